// SPDX-License-Identifier: Apache-2.0

import CLinux
import Foundation
import Glibc
import HTTPWire
import Synchronization

/// One thread that owns some of the connections: waits on epoll, reads, parses, answers.
///
/// - Note: `@unchecked Sendable` holds because everything mutable is touched by the loop's own thread only, except
///   `mailbox`, which is locked, and `totals`, which is atomic.
final class EventLoop: @unchecked Sendable {
    /// What other threads ask of the loop.
    enum Message: Sendable {
        case adopt(descriptor: Int32, isOverLimit: Bool)
        case respond(connection: UInt64, exchange: UInt64, Response)
        case stopAccepting
        case drain
        case shutdown
    }

    /// Counters that all loops of a server share.
    final class Totals: Sendable {
        let connections = Atomic(0)
        let bodyBytes = Atomic(0)
    }

    let configuration: SocketServerConfiguration
    let handler: any RequestHandler
    let totals: Totals
    private(set) var isDraining = false
    var date = HTTPDate()
    /// Where reads land before they are copied to their connection.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 64)

    private static let wakeID: UInt64 = 0
    private static let listenerID: UInt64 = 1
    /// How often deadlines are looked at while there are connections.
    private static let tick = Duration.milliseconds(20)

    private let poller: Int32
    private let wakeUp: Int32
    private let mailbox = Mutex<[Message]>([])
    private var connections: [UInt64: Connection] = [:]
    private var nextID: UInt64 = 2
    private var listener: Int32?
    private var listenerIsPaused = false
    private var adopters: [EventLoop] = []
    private var nextAdopter = 0
    private var isRunning = true
    private var lastSweep = ContinuousClock.now

    /// - Throws: `SocketServerError.systemCall`.
    init(
        configuration: SocketServerConfiguration,
        handler: any RequestHandler,
        totals: Totals
    ) throws(SocketServerError) {
        self.configuration = configuration
        self.handler = handler
        self.totals = totals
        poller = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard poller >= 0 else { throw .systemCall(name: "epoll_create1", errno: errno) }
        wakeUp = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard wakeUp >= 0 else { throw .systemCall(name: "eventfd", errno: errno) }
        register(wakeUp, id: Self.wakeID, events: EPOLLIN.rawValue)
    }

    deinit {
        close(poller)
        close(wakeUp)
        scratch.deallocate()
    }

    /// Gives the loop the listening socket, before it starts.
    func listen(on descriptor: Int32, sharingWith loops: [EventLoop]) {
        listener = descriptor
        adopters = loops
        register(descriptor, id: Self.listenerID, events: EPOLLIN.rawValue)
    }

    func post(_ message: Message) {
        let wasEmpty = mailbox.withLock { mailbox in
            mailbox.append(message)
            return mailbox.count == 1
        }
        if wasEmpty {
            var one: UInt64 = 1
            _ = write(wakeUp, &one, 8)
        }
    }

    func start() {
        Thread { [self] in
            // Foundation's own name is not the kernel's.
            pthread_setname_np(pthread_self(), "uae.sockets")
            run()
        }.start()
    }

    // MARK: The loop

    private func run() {
        var events = [epoll_event](repeating: epoll_event(), count: 256)
        while isRunning {
            let wait: Int32 = connections.isEmpty && !listenerIsPaused ? -1 : Int32(Self.tick / .milliseconds(1))
            let count = epoll_wait(poller, &events, Int32(events.count), wait)
            // EINTR and the like: nothing happened.
            for event in events.prefix(Int(max(count, 0))) { handle(event) }
            sweepIfDue()
        }
        for connection in connections.values { connection.abort() }
        connections.removeAll()
        // It is one of them itself, and would never be freed.
        adopters = []
    }

    private func handle(_ event: epoll_event) {
        switch event.data.u64 {
        case Self.wakeID:
            var value: UInt64 = 0
            _ = read(wakeUp, &value, 8)
            let messages = mailbox.withLock { mailbox in
                defer { mailbox.removeAll() }
                return mailbox
            }
            for message in messages { handle(message) }
        case Self.listenerID: acceptConnections()
        case let id:
            guard let connection = connections[id] else { return }
            connection.handle(events: event.events)
            removeIfClosed(connection)
        }
    }

    private func handle(_ message: Message) {
        switch message {
        case .adopt(let descriptor, let isOverLimit): adopt(descriptor, isOverLimit: isOverLimit)
        case .respond(let id, let exchange, let response):
            // The client may have left; then the connection is gone and the answer with it.
            guard let connection = connections[id] else { return }
            connection.answer(exchange: exchange, response)
            removeIfClosed(connection)
        case .stopAccepting: closeListener()
        case .drain:
            isDraining = true
            for connection in connections.values {
                connection.drain()
                removeIfClosed(connection)
            }
        case .shutdown:
            closeListener()
            isRunning = false
        }
    }

    private func sweepIfDue() {
        let now = ContinuousClock.now
        guard now - lastSweep >= Self.tick else { return }
        lastSweep = now
        for connection in connections.values {
            connection.checkDeadline(now)
            removeIfClosed(connection)
        }
        if listenerIsPaused, let listener, hasRoom {
            listenerIsPaused = false
            register(listener, id: Self.listenerID, events: EPOLLIN.rawValue)
        }
    }

    private func removeIfClosed(_ connection: Connection) {
        guard connection.isClosed, connections.removeValue(forKey: connection.id) != nil else { return }
        totals.connections.subtract(1, ordering: .relaxed)
    }

    // MARK: Accepting

    private var hasRoom: Bool {
        let limit = configuration.maximumConnections + configuration.reserveConnections
        return totals.connections.load(ordering: .relaxed) < limit
    }

    private func acceptConnections() {
        guard let listener else { return }
        // A bounded run, so that a flood of connections does not keep the others waiting.
        for _ in 0..<64 {
            guard hasRoom else { return pauseListener() }
            let descriptor = accept4(listener, nil, nil, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
            if descriptor < 0 {
                switch errno {
                // The client gave up between SYN and accept: take the next.
                case ECONNABORTED, EINTR, EPROTO: continue
                // No descriptor or memory now: the backlog keeps them, and spinning would not free any.
                case EMFILE, ENFILE, ENOBUFS, ENOMEM: return pauseListener()
                default: return
                }
            }
            let count = totals.connections.add(1, ordering: .relaxed).newValue
            let isOverLimit = count > configuration.maximumConnections
            let loop = adopters[nextAdopter % adopters.count]
            nextAdopter += 1
            if loop === self {
                adopt(descriptor, isOverLimit: isOverLimit)
            } else {
                loop.post(.adopt(descriptor: descriptor, isOverLimit: isOverLimit))
            }
        }
    }

    private func adopt(_ descriptor: Int32, isOverLimit: Bool) {
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
        let connection = Connection(id: nextID, descriptor: descriptor, isOverLimit: isOverLimit, loop: self)
        nextID += 1
        connections[connection.id] = connection
        register(descriptor, id: connection.id, events: EPOLLIN.rawValue)
    }

    private func pauseListener() {
        guard let listener, !listenerIsPaused else { return }
        listenerIsPaused = true
        epoll_ctl(poller, EPOLL_CTL_DEL, listener, nil)
    }

    private func closeListener() {
        guard let listener else { return }
        if !listenerIsPaused { epoll_ctl(poller, EPOLL_CTL_DEL, listener, nil) }
        close(listener)
        self.listener = nil
        listenerIsPaused = false
    }

    // MARK: epoll

    private func register(_ descriptor: Int32, id: UInt64, events: UInt32) {
        var event = epoll_event(events: events, data: epoll_data_t(u64: id))
        epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event)
    }

    func setInterest(_ connection: Connection, events: UInt32) {
        var event = epoll_event(events: events, data: epoll_data_t(u64: connection.id))
        epoll_ctl(poller, EPOLL_CTL_MOD, connection.descriptor, &event)
    }
}
