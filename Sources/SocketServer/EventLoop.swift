// SPDX-License-Identifier: Apache-2.0

import Glibc
import HTTPWire

/// Owns a share of the connections: reads, parses, responds, and ends what is past its deadline.
///
/// - Note: `@unchecked Sendable` holds because everything mutable is touched by what ``events`` runs only, one at a
///   time; ``adopt(_:client:isOverLimit:)``, ``respond(connection:exchange:_:)``, ``drain()`` and ``shutdown()`` hand their
///   work over to it.
final class EventLoop: @unchecked Sendable {
    let configuration: SocketServerConfiguration
    let handler: any RequestHandler
    let totals: ServerTotals
    let events: any EventSource
    private(set) var isDraining = false
    var date = HTTPDate()
    /// Where reads land before they are copied to their connection.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 64)

    /// The least time until a deadline that was due is checked again: one that changes nothing must not spin.
    private static let shortestWait = Duration.milliseconds(20)
    /// Bytes that the kernel takes for a TCP client before it can send them.
    ///
    /// Without this bound it takes megabytes, and asks for more only when a third of them is sent, so that a client that
    /// reads steadily would seem to read nothing for seconds.
    private static let unsentBytes: Int32 = 128 << 10

    private var connections: [UInt64: Connection] = [:]
    private var nextID: UInt64 = 0
    private var isRunning = true
    private var deadlines = DeadlineHeap()
    /// When the timer fires; nil: it is not set.
    private var timer: ContinuousClock.Instant?
    /// While due deadlines are checked: no deadline is set before this instant.
    private var earliestDeadline: ContinuousClock.Instant?

    init(
        configuration: SocketServerConfiguration,
        handler: any RequestHandler,
        totals: ServerTotals,
        events: any EventSource
    ) {
        self.configuration = configuration
        self.handler = handler
        self.totals = totals
        self.events = events
    }

    deinit { scratch.deallocate() }

    var now: ContinuousClock.Instant { events.now }

    // MARK: From any thread

    /// Takes over a new connection and owns its descriptor.
    func adopt(_ descriptor: Int32, client: String, isOverLimit: Bool) {
        events.post { [self] in
            guard isRunning else {
                close(descriptor)
                return totals.connectionClosed()
            }
            var one: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
            var unsent = Self.unsentBytes
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, &unsent, 4)
            let connection = Connection(
                id: nextID,
                descriptor: descriptor,
                client: client,
                isOverLimit: isOverLimit,
                loop: self
            )
            nextID += 1
            connections[connection.id] = connection
            connection.start()
        }
    }

    /// Hands over the handler's response; by then the connection may be gone.
    func respond(connection id: UInt64, exchange: UInt64, _ response: Response) {
        events.post { [self] in connections[id]?.respond(exchange: exchange, response) }
    }

    func drain() {
        events.post { [self] in
            isDraining = true
            for connection in connections.values { connection.drain() }
        }
    }

    /// Ends every connection, and adopts no more.
    func shutdown() {
        events.post { [self] in
            isRunning = false
            for connection in connections.values { connection.abort() }
        }
    }

    // MARK: From the loop itself

    /// The connection has closed itself.
    func remove(_ connection: Connection) {
        connections[connection.id] = nil
        deadlines.remove(connection)
    }

    /// Makes sure that a holder's deadline is checked by `instant`.
    ///
    /// A deadline moves on with every request, so a later one leaves an earlier one in place: the holder is then
    /// checked too early, once, which costs less than setting the timer for each request.
    func setDeadline(of holder: any DeadlineHolder, to instant: ContinuousClock.Instant) {
        if let current = deadlines.deadline(of: holder), current <= instant { return }
        deadlines.set(holder, to: max(instant, earliestDeadline ?? instant))
        if earliestDeadline == nil { setTimer() }
    }

    func clearDeadline(of holder: any DeadlineHolder) { deadlines.remove(holder) }

    private func setTimer() {
        guard let earliest = deadlines.earliest else { return }
        if let timer, timer <= earliest { return }
        timer = earliest
        events.setTimer(earliest) { [weak self] in self?.timerFired() }
    }

    private func timerFired() {
        timer = nil
        let now = now
        earliestDeadline = now + Self.shortestWait
        while let holder = deadlines.popDue(now) { holder.checkDeadline(now) }
        earliestDeadline = nil
        setTimer()
    }
}
