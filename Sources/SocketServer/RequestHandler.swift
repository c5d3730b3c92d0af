// SPDX-License-Identifier: Apache-2.0

package import HTTPWire

/// What becomes of a request once its head is known.
package enum Admission: Sendable {
    /// The response is known already; the body, if there is one, is dropped.
    case respond(Response)
    /// Read the body, at most `limit` bytes, then ask ``RequestHandler/respond(to:)``.
    case readBody(limit: Int)
}

/// The service behind the sockets.
package protocol RequestHandler: Sendable {
    /// The head is complete, nothing of the body is read. Called on an event loop, so it must be quick.
    func admit(_ head: HTTPRequestHead) -> Admission

    /// The request is complete. Runs in a task of its own, which is cancelled when the client leaves.
    func respond(to request: Request) async -> Response

    /// The response to a request that the protocol layer refuses.
    func refusal(_ refusal: HTTPRefusal) -> Response

    /// A response is being sent, or its client left first (`status` 499).
    func completed(_ exchange: Exchange)
}

/// One request and the outcome of it, for logs and metrics.
package struct Exchange: Sendable {
    package let head: HTTPRequestHead?
    package let status: Int
    package let bytesIn: Int
    package let bytesOut: Int
    package let duration: Duration
}
