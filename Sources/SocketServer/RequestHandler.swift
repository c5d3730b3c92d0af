// SPDX-License-Identifier: Apache-2.0

package import HTTPWire

/// What the handler decides about a request when its head is complete.
///
/// `note` comes back in ``Exchange/note``.
package enum Admission: Sendable {
    /// Send this response at once; a body, if one follows, is dropped.
    case respond(Response, note: RequestNote? = nil)
    /// Read the body, at most `limit` bytes, then call `then` with the complete request.
    ///
    /// `then` runs in a task of its own, which is cancelled when the client leaves. What it captures is what was
    /// decided from the head, so that nothing is decided twice.
    case readBody(limit: Int, note: RequestNote? = nil, then: @Sendable (Request) async -> Response)
}

/// What the handler notes about a request when it sees its head.
package struct RequestNote: Sendable {
    package var id: String
    /// The handler's own name for what was requested.
    package var label: String?
    /// The handler's own name for whoever sent it.
    package var caller: String?

    package init(id: String, label: String? = nil, caller: String? = nil) {
        self.id = id
        self.label = label
        self.caller = caller
    }
}

/// The service behind the sockets.
package protocol RequestHandler: Sendable {
    /// The head is complete, nothing of the body is read. Called on an event loop, so it must be quick.
    func admit(_ head: HTTPRequestHead) -> Admission

    /// The response to a request that the protocol layer refuses.
    ///
    /// - Parameters:
    ///   - refusal: why.
    ///   - head: the head as far as it is known; nil: not at all.
    ///   - note: from the admission of a request that is refused later; nil: the handler has not seen it.
    /// - Returns: the response, and the note for ``completed(_:)``.
    func refusal(
        _ refusal: HTTPRefusal,
        of head: HTTPRequestHead?,
        note: RequestNote?
    ) -> (response: Response, note: RequestNote?)

    /// A response is being sent, or its client left first (`status` 499).
    func completed(_ exchange: Exchange)
}

/// One request and the outcome of it, for logs and metrics.
package struct Exchange: Sendable {
    /// As far as it is known; nil: not at all.
    package let head: HTTPRequestHead?
    /// From the request's ``Admission`` or its refusal; nil if the handler gave none or did not see the request.
    package var note: RequestNote?
    /// The client's address and port, `192.0.2.1:50000`; `unix` for a Unix socket.
    package let client: String
    package let status: Int
    package let bytesIn: Int
    package let bytesOut: Int
    package let duration: Duration
}
