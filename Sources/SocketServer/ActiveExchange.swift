// SPDX-License-Identifier: Apache-2.0

import Glibc
import HTTPWire

/// One request from its head to its response, in either protocol.
///
/// A class, because copying a head retains a dozen references.
final class ActiveExchange {
    let number: UInt64
    let head: HTTPRequestHead
    let startedAt: ContinuousClock.Instant
    /// The handler's note about the request.
    let note: RequestNote?
    private let client: String
    /// The largest body that is accepted, in bytes.
    var bodyLimit: Int
    /// Gives the response to the complete request; nil if it is known without the body.
    private let respond: (@Sendable (Request) async -> Response)?
    /// The response is sent, or being sent; the rest of the body is dropped.
    var hasResponse = false
    /// The response is known without the body, which is read for its framing alone.
    var needsNoBody = false
    private var body: [UInt8] = []
    private(set) var bodyCount = 0
    /// Bytes of the body that count against the server's budget.
    private var heldBytes = 0
    private var task: Task<Void, Never>?

    /// An exchange whose head is complete and admitted; `discardLimit` bounds a body that the response does not need.
    init(
        number: UInt64,
        head: HTTPRequestHead,
        startedAt: ContinuousClock.Instant,
        admission: Admission,
        client: String,
        discardLimit: Int
    ) {
        self.number = number
        self.head = head
        self.startedAt = startedAt
        self.client = client
        switch admission {
        case .respond(_, let note):
            (self.note, bodyLimit, respond) = (note, discardLimit, nil)
        case .readBody(let limit, let note, let then):
            (self.note, bodyLimit, respond) = (note, limit, then)
        }
    }

    var isRunning: Bool { task != nil }

    /// Refuses a body whose declared length is too large.
    ///
    /// Reserves at most 1 MiB before any of it has come.
    ///
    /// - Throws: `HTTPRefusal.bodyTooLarge`, `.outOfMemory`.
    func expectBody() throws(HTTPRefusal) {
        guard let length = head.contentLength else { return }
        if length > bodyLimit { throw .bodyTooLarge(limit: bodyLimit, actual: length) }
        try reserve(min(length, 1 << 20))
    }

    /// Takes a part of the body.
    ///
    /// - Throws: `HTTPRefusal.bodyTooLarge`, `.tooManyBytesInFlight`, `.outOfMemory`.
    func append(_ bytes: some Collection<UInt8>, loop: EventLoop) throws(HTTPRefusal) {
        guard bytes.count <= bodyLimit - bodyCount else { throw .bodyTooLarge(limit: bodyLimit, actual: nil) }
        bodyCount += bytes.count
        if hasResponse || needsNoBody { return }
        if body.count + bytes.count > body.capacity { try reserve(2 * (body.count + bytes.count)) }
        let limit = loop.configuration.maximumInflightBytes
        let inflight = loop.totals.hold(bytes.count)
        heldBytes += bytes.count
        body.append(contentsOf: bytes)
        guard inflight <= limit else { throw .tooManyBytesInFlight(limit: limit) }
    }

    /// Headroom kept free while a body is buffered.
    private static let spareBytes = 16 << 20

    /// Makes room, or refuses.
    ///
    /// Swift ends the process when an allocation fails, so all but small ones are tried first.
    ///
    /// - Throws: `HTTPRefusal.outOfMemory`.
    private func reserve(_ count: Int) throws(HTTPRefusal) {
        if count > 128 << 10 {
            let size = count + Self.spareBytes
            // Not `malloc`: the optimiser removes a pair of malloc and free.
            let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            guard let memory, memory != MAP_FAILED else { throw .outOfMemory(byteCount: count) }
            munmap(memory, size)
        }
        body.reserveCapacity(count)
    }

    /// Whether the body arrives below the minimum rate, which applies once its time is over.
    func isTooSlow(_ now: ContinuousClock.Instant, loop: EventLoop) -> Bool {
        let seconds = (now - startedAt) / .seconds(1)
        return Double(bodyCount) < Double(loop.configuration.minimumRate) * seconds
    }

    /// Gives the complete request to the handler.
    func start(connection: UInt64, loop: EventLoop) {
        guard let respond else { return }
        let request = Request(head: head, body: body, headAt: startedAt, bodyAt: loop.now)
        // The request is the body's only owner now: a second reference would cause a copy.
        body = []
        let number = number
        task = Task {
            let response = await respond(request)
            loop.respond(connection: connection, exchange: number, response)
        }
    }

    /// The response is known: reports it, and gives the body's bytes back.
    func finish(status: Int, bytesOut: Int, loop: EventLoop) {
        hasResponse = true
        task = nil
        release(loop)
        loop.handler.completed(
            Exchange(
                head: head,
                note: note,
                client: client,
                status: status,
                bytesIn: bodyCount,
                bytesOut: bytesOut,
                duration: loop.now - startedAt
            )
        )
    }

    /// The client is gone, or the request is malformed: stops the work, and reports it unless it has a response.
    func cancel(status: Int, loop: EventLoop) {
        task?.cancel()
        if hasResponse { return release(loop) }
        finish(status: status, bytesOut: 0, loop: loop)
    }

    private func release(_ loop: EventLoop) {
        loop.totals.release(heldBytes)
        heldBytes = 0
        body = []
    }
}
