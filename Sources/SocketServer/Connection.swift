// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import HTTPWire

/// One client's connection: the socket, and what is spoken on it.
///
/// Belongs to its loop's thread; only the loop and the connection's driver call it.
final class Connection {
    private enum State {
        case open
        /// Our side is shut; what still comes is dropped, since closing now would reset the answer (RFC 9112 9.6).
        case lingering(octets: Int, until: ContinuousClock.Instant)
        case closed
    }

    let id: UInt64
    let descriptor: Int32
    /// The connection is beyond the server's limit; only probes should be served on it.
    let isOverLimit: Bool
    unowned let loop: EventLoop
    var output = OutputBuffer()
    private(set) var peerHasFinished = false
    private var state = State.open
    private var driver: (any ProtocolDriver)?
    private var interest = EPOLLIN.rawValue

    init(id: UInt64, descriptor: Int32, isOverLimit: Bool, loop: EventLoop) {
        self.id = id
        self.descriptor = descriptor
        self.isOverLimit = isOverLimit
        self.loop = loop
        driver = HTTP1Driver(connection: self)
    }

    var isClosed: Bool { if case .closed = state { true } else { false } }

    private var isOpen: Bool { if case .open = state { true } else { false } }

    // MARK: What the loop calls

    func handle(events: UInt32) {
        if events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 { return abort() }
        if events & EPOLLOUT.rawValue != 0 { flush() }
        if events & EPOLLIN.rawValue != 0 { receive() }
        advance()
    }

    /// The handler's answer to a request.
    func answer(exchange: UInt64, _ response: Response) {
        guard isOpen else { return }
        driver?.answer(exchange: exchange, response)
        advance()
    }

    func drain() {
        guard isOpen else { return }
        driver?.drain()
        advance()
    }

    func checkDeadline(_ now: ContinuousClock.Instant) {
        switch state {
        case .open: driver?.checkDeadline(now)
        case .lingering(_, let end): if now >= end { close() }
        case .closed: break
        }
        advance()
    }

    /// Ends the connection at once: the client left, or the server does.
    func abort() {
        if isClosed { return }
        if isOpen { driver?.connectionLost() }
        close()
    }

    // MARK: What the driver calls

    /// Goes on with another protocol.
    ///
    /// - Parameters:
    ///   - driver: the new one.
    ///   - octets: what is received already, and is its.
    func turn(to driver: any ProtocolDriver, with octets: ArraySlice<UInt8>) {
        self.driver = driver
        octets.withUnsafeBytes { driver.take($0) }
    }

    /// Everything is sent: shuts our side, and waits a bounded time for the client to have read it.
    func finish() {
        if peerHasFinished { return close() }
        shutdown(descriptor, Int32(SHUT_WR))
        state = .lingering(octets: 0, until: .now + loop.configuration.lingerTimeout)
    }

    func close() {
        if isClosed { return }
        state = .closed
        // It refers to the connection, but not the other way round any more.
        driver = nil
        // Closing also takes the descriptor out of epoll.
        Glibc.close(descriptor)
    }

    // MARK: Octets

    private func receive() {
        // A bounded run, so that one fast sender does not keep the others waiting.
        for _ in 0..<8 {
            let count = recv(descriptor, loop.scratch.baseAddress, loop.scratch.count, 0)
            if count == 0 {
                peerHasFinished = true
                return
            }
            if count < 0 {
                if errno == EINTR { continue }
                if errno != EAGAIN { abort() }
                return
            }
            take(UnsafeRawBufferPointer(rebasing: loop.scratch[..<count]))
            guard wantsInput, count == loop.scratch.count else { return }
        }
    }

    private func take(_ octets: UnsafeRawBufferPointer) {
        switch state {
        case .open: driver?.take(octets)
        case .lingering(let dropped, let end):
            state = .lingering(octets: dropped + octets.count, until: end)
            if dropped + octets.count > loop.configuration.lingerBytes { close() }
        case .closed: break
        }
    }

    private var wantsInput: Bool {
        if peerHasFinished { return false }
        return switch state {
        case .open: driver?.wantsInput ?? false
        case .lingering: true
        case .closed: false
        }
    }

    private func flush() {
        if output.isEmpty || isClosed { return }
        switch output.send(to: descriptor) {
        case .sentAll: break
        case .blocked(let progress): if progress, isOpen { driver?.madeProgress() }
        case .failed: abort()
        }
    }

    /// Goes on as far as it can without waiting: sends, turns to the next request, closes.
    private func advance() {
        repeat { flush() } while isOpen && driver?.advance() == true
        if case .lingering = state, peerHasFinished { close() }
        updateInterest()
    }

    private func updateInterest() {
        if isClosed { return }
        let wanted = (wantsInput ? EPOLLIN.rawValue : 0) | (output.isEmpty ? 0 : EPOLLOUT.rawValue)
        if wanted != interest {
            interest = wanted
            loop.setInterest(self, events: wanted)
        }
    }
}
