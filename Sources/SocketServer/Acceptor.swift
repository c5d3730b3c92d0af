// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Accepts connections and assigns them to the loops in turn.
///
/// - Note: `@unchecked Sendable` holds because mutable state is touched on the first loop only.
final class Acceptor: DescriptorHandler, DeadlineHolder, @unchecked Sendable {
    private let configuration: SocketServerConfiguration
    private let totals: ServerTotals
    private let loops: [EventLoop]
    private let listener: Listener
    private var watch: (any DescriptorWatch)?
    private var nextLoop = 0
    var deadlineIndex: Int?

    /// How long to wait before another try when descriptors or memory are short: not only a connection may free them.
    private static let retryInterval = Duration.milliseconds(100)
    /// Connections accepted in a row, so that a flood of them does not keep the open ones waiting.
    private static let batch = 64

    private var loop: EventLoop { loops[0] }

    /// - Parameters:
    ///   - listener: owned by the acceptor.
    ///   - configuration: how many connections there may be.
    ///   - totals: counts the connections.
    ///   - loops: get the connections; the acceptor runs on the first loop.
    init(listener: Listener, configuration: SocketServerConfiguration, totals: ServerTotals, loops: [EventLoop]) {
        self.listener = listener
        self.configuration = configuration
        self.totals = totals
        self.loops = loops
    }

    /// Accepts from now on.
    func start() {
        totals.setAcceptor(ObjectIdentifier(self)) { [weak self] in
            guard let self else { return }
            loop.events.post { self.resume() }
        }
        loop.events.post { [self] in watch = loop.events.watch(listener.descriptor, handler: self) }
    }

    /// Closes the listening socket and removes its file; open connections continue.
    func stop() {
        totals.setAcceptor(ObjectIdentifier(self), nil)
        listener.file?.remove()
        loop.events.post { [self] in
            loop.clearDeadline(of: self)
            watch?.cancel {}
            watch = nil
        }
    }

    // MARK: On the first loop

    func handle(_ readiness: Readiness) {
        // Only a process that shares an inherited socket can end it.
        if readiness.contains(.hungUp) { return stop() }
        for _ in 0..<Self.batch {
            guard hasRoom else {
                return waitForRoom()
            }
            let (descriptor, client) = ClientAddress.accept(listener.descriptor)
            if descriptor < 0 {
                switch errno {
                // The client gave up between SYN and accept: take the next.
                case ECONNABORTED, EINTR, EPROTO: continue
                case EAGAIN: return
                // For want of descriptors or memory. The backlog keeps the clients meanwhile.
                default: return waitForDescriptors()
                }
            }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            let isOverLimit = totals.connectionOpened() > configuration.maximumConnections
            loops[nextLoop].adopt(descriptor, client: client, isOverLimit: isOverLimit)
            nextLoop = (nextLoop + 1) % loops.count
        }
    }

    func checkDeadline(_ now: ContinuousClock.Instant) { resume() }

    private var hasRoom: Bool {
        totals.connections < configuration.maximumConnections + configuration.reserveConnections
    }

    private func waitForRoom() {
        pause()
        // A connection may have been closed after the count was read and before the acceptor was waiting.
        if hasRoom { resume() }
    }

    private func waitForDescriptors() {
        pause()
        loop.setDeadline(of: self, to: loop.now + Self.retryInterval)
    }

    private func pause() {
        watch?.setInterest(reading: false, writing: false)
        totals.waitForClose()
    }

    private func resume() { watch?.setInterest(reading: true, writing: false) }
}
