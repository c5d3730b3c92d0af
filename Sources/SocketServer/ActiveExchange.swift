// SPDX-License-Identifier: Apache-2.0

import Glibc
import HTTPWire
import Synchronization

/// One request from its head to its answer, whichever protocol carries it.
///
/// A class, since a head is a dozen references to copy whenever a driver looks at its request.
final class ActiveExchange {
    let number: UInt64
    let head: HTTPRequestHead
    let startedAt: ContinuousClock.Instant
    /// Octets of the body that are taken.
    var bodyLimit: Int
    /// The answer is out, or on its way; what still comes of the body is dropped.
    var isAnswered = false
    /// The answer is known without the body, which is read for its framing alone.
    var needsNoBody = false
    private var body: [UInt8] = []
    private(set) var bodyCount = 0
    /// Octets of the body that count against the server's budget.
    private var heldBytes = 0
    private var task: Task<Void, Never>?

    init(number: UInt64, head: HTTPRequestHead, startedAt: ContinuousClock.Instant, bodyLimit: Int) {
        self.number = number
        self.head = head
        self.startedAt = startedAt
        self.bodyLimit = bodyLimit
    }

    var isRunning: Bool { task != nil }

    /// Refuses a body that its length already says is too large; never takes as much memory as a head claims.
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
    func append(_ octets: some Collection<UInt8>, loop: EventLoop) throws(HTTPRefusal) {
        guard octets.count <= bodyLimit - bodyCount else { throw .bodyTooLarge(limit: bodyLimit, actual: nil) }
        bodyCount += octets.count
        if isAnswered || needsNoBody { return }
        if body.count + octets.count > body.capacity { try reserve(2 * (body.count + octets.count)) }
        let limit = loop.configuration.maximumInflightBytes
        let inflight = loop.totals.bodyBytes.add(octets.count, ordering: .relaxed).newValue
        heldBytes += octets.count
        body.append(contentsOf: octets)
        guard inflight <= limit else { throw .tooManyBytesInFlight(limit: limit) }
    }

    /// Beside a body there must be memory for everything else.
    private static let spareBytes = 16 << 20

    /// Makes room, or refuses: Swift ends the process where an allocation fails, so all but small ones are tried first.
    ///
    /// - Throws: `HTTPRefusal.outOfMemory`.
    private func reserve(_ count: Int) throws(HTTPRefusal) {
        if count > 128 << 10 {
            let size = count + Self.spareBytes
            // Not `malloc`: the optimiser takes it out where nothing uses the memory.
            let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            guard let memory, memory != MAP_FAILED else { throw .outOfMemory(byteCount: count) }
            munmap(memory, size)
        }
        body.reserveCapacity(count)
    }

    /// Whether the body comes more slowly than the server bears once its time is over.
    func isTooSlow(_ now: ContinuousClock.Instant, loop: EventLoop) -> Bool {
        let seconds = (now - startedAt) / .seconds(1)
        return Double(bodyCount) < Double(loop.configuration.minimumBodyRate) * seconds
    }

    /// Gives the complete request to the handler.
    func start(connection: UInt64, loop: EventLoop) {
        let request = Request(head: head, body: body, headAt: startedAt, bodyAt: .now)
        // The request owns the body now; a second reference would make it a copy on its way.
        body = []
        let (handler, number) = (loop.handler, number)
        task = Task {
            let response = await handler.respond(to: request)
            loop.post(.respond(connection: connection, exchange: number, response))
        }
    }

    /// The answer is known: reports it, and gives the body's bytes back.
    func finish(status: Int, bytesOut: Int, loop: EventLoop) {
        isAnswered = true
        task = nil
        release(loop)
        loop.handler.completed(
            Exchange(
                head: head,
                status: status,
                bytesIn: bodyCount,
                bytesOut: bytesOut,
                duration: ContinuousClock.now - startedAt
            )
        )
    }

    /// The client is gone, or the request was none: stops the work, and reports it unless it was answered.
    func cancel(status: Int, loop: EventLoop) {
        task?.cancel()
        if isAnswered { return release(loop) }
        finish(status: status, bytesOut: 0, loop: loop)
    }

    private func release(_ loop: EventLoop) {
        loop.totals.bodyBytes.subtract(heldBytes, ordering: .relaxed)
        heldBytes = 0
        body = []
    }
}
