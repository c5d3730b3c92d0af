// SPDX-License-Identifier: Apache-2.0

package import HTTPWire

/// What the handler decides about a request when its head is complete.
///
/// `label` is the handler's own name for what was requested; it comes back in ``Exchange/label``.
package enum Admission: Sendable {
    /// Send this response at once; a body, if one follows, is dropped.
    case respond(Response, label: String? = nil)
    /// Read the body, at most `limit` bytes, then call `then` with the complete request.
    ///
    /// `then` runs in a task of its own, which is cancelled when the client leaves. What it captures is what was
    /// decided from the head, so that nothing is decided twice.
    case readBody(limit: Int, label: String? = nil, then: @Sendable (Request) async -> Response)
}

/// The service behind the sockets.
package protocol RequestHandler: Sendable {
    /// The head is complete, nothing of the body is read. Called on an event loop, so it must be quick.
    func admit(_ head: HTTPRequestHead) -> Admission

    /// The response to a request that the protocol layer refuses.
    func refusal(_ refusal: HTTPRefusal) -> Response

    /// A response is being sent, or its client left first (`status` 499).
    func completed(_ exchange: Exchange)
}

/// One request and the outcome of it, for logs and metrics.
package struct Exchange: Sendable {
    package let head: HTTPRequestHead?
    /// The label of the request's ``Admission``; nil if the handler gave none or did not see the request.
    package var label: String?
    package let status: Int
    package let bytesIn: Int
    package let bytesOut: Int
    package let duration: Duration
}
