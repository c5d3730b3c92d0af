// SPDX-License-Identifier: Apache-2.0

import Glibc
import HTTPWire

/// One client's connection: the socket and its protocol driver.
///
/// Belongs to its loop; only the loop, its events and the connection's driver call it.
final class Connection: DescriptorHandler, DeadlineHolder {
    private enum State {
        case open
        /// Our side is shut, and further input is dropped. Closing now would reset the response (RFC 9112 9.6).
        case lingering(byteCount: Int, pace: Pace)
        case closed
    }

    let id: UInt64
    /// The client's address, for logs.
    let client: String
    /// The connection is beyond the server's limit; only probes should be served on it.
    let isOverLimit: Bool
    unowned let loop: EventLoop
    var output = OutputBuffer()
    private(set) var peerHasFinished = false
    var deadlineIndex: Int?
    private let descriptor: Int32
    private var watch: (any DescriptorWatch)?
    private var state = State.open
    private var driver: (any ProtocolDriver)?
    /// How fast the client takes what waits for the socket; nil: nothing waits.
    private var outputPace: Pace?
    /// The connection's part of the bytes that the server counts as held.
    private var countedBytes = 0

    /// Reads in a row, so that one fast sender does not keep the others waiting.
    private static let maximumReads = 8

    init(id: UInt64, descriptor: Int32, client: String, isOverLimit: Bool, loop: EventLoop) {
        self.id = id
        self.client = client
        self.descriptor = descriptor
        self.isOverLimit = isOverLimit
        self.loop = loop
        driver = HTTP1Driver(connection: self)
    }

    private var isClosed: Bool { if case .closed = state { true } else { false } }

    private var isOpen: Bool { if case .open = state { true } else { false } }

    // MARK: What the loop and its events call

    func start() {
        watch = loop.events.watch(descriptor, handler: self)
        updateInterest()
    }

    func handle(_ readiness: Readiness) {
        if readiness.contains(.hungUp) { return abort() }
        if readiness.contains(.writable) { flush() }
        if readiness.contains(.readable) { receive() }
        advance()
    }

    /// Takes the handler's response to a request.
    func respond(exchange: UInt64, _ response: Response) {
        guard isOpen else { return }
        driver?.respond(exchange: exchange, response)
        advance()
    }

    func drain() {
        guard isOpen else { return }
        driver?.drain()
        advance()
    }

    func checkDeadline(_ now: ContinuousClock.Instant) {
        switch state {
        case .open:
            checkOutputPace(now)
            if isOpen { driver?.checkDeadline(now) }
        case .lingering(let byteCount, var pace):
            let configuration = loop.configuration
            if pace.isTooSlow(now, period: configuration.lingerTimeout, rate: configuration.minimumRate) {
                close()
            } else {
                state = .lingering(byteCount: byteCount, pace: pace)
            }
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

    /// Continues with another protocol.
    ///
    /// - Parameters:
    ///   - driver: the new one.
    ///   - bytes: input for the new driver, received already.
    func turn(to driver: any ProtocolDriver, with bytes: ArraySlice<UInt8>) {
        self.driver = driver
        bytes.withUnsafeBytes { driver.take($0) }
    }

    /// Everything is sent: shuts our side, and gives the client a bounded time to read it.
    ///
    /// It gets longer while it still sends at the minimum rate: many clients read once they have sent everything.
    func finish() {
        if peerHasFinished { return close() }
        shutdown(descriptor, Int32(SHUT_WR))
        // With it go the responses that it still holds.
        driver = nil
        state = .lingering(byteCount: 0, pace: Pace(loop.now))
    }

    func close() {
        if isClosed { return }
        state = .closed
        // Its reference to the connection is unowned, so it must not stay alive longer.
        driver = nil
        output = OutputBuffer()
        countHeldBytes()
        loop.remove(self)
        let totals = loop.totals
        watch?.cancel { totals.connectionClosed() }
    }

    // MARK: Bytes

    private func receive() {
        for _ in 0..<Self.maximumReads {
            guard wantsInput else { return }
            let count = recv(descriptor, loop.scratch.baseAddress, loop.scratch.count, Int32(MSG_DONTWAIT))
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
            guard count == loop.scratch.count else { return }
        }
    }

    private func take(_ bytes: UnsafeRawBufferPointer) {
        switch state {
        case .open: driver?.take(bytes)
        case .lingering(let dropped, var pace):
            pace.move(bytes.count, loop.now)
            state = .lingering(byteCount: dropped + bytes.count, pace: pace)
            if dropped + bytes.count > loop.configuration.lingerBytes { close() }
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
        case .sentAll: outputPace = nil
        case .blocked(let byteCount):
            var pace = outputPace ?? Pace(loop.now)
            pace.move(byteCount, loop.now)
            outputPace = pace
        case .failed: abort()
        }
    }

    /// Continues as far as possible without waiting: sends, begins the next request, closes.
    private func advance() {
        repeat { flush() } while isOpen && driver?.advance() == true
        if case .lingering = state, peerHasFinished { close() }
        countHeldBytes()
        updateInterest()
    }

    /// Brings the server's count up to date.
    ///
    /// A response that the socket takes at once is never counted.
    private func countHeldBytes() {
        let held = output.heldBytes + (driver?.heldBytes ?? 0)
        if held == countedBytes { return }
        loop.totals.hold(held - countedBytes)
        countedBytes = held
    }

    // MARK: Waiting

    private func updateInterest() {
        if isClosed { return }
        watch?.setInterest(reading: wantsInput, writing: !output.isEmpty)
        if let deadline = nextDeadline { loop.setDeadline(of: self, to: deadline) }
    }

    private var nextDeadline: ContinuousClock.Instant? {
        switch state {
        case .open: earlier(driver?.nextDeadline, outputPace?.deadline(loop.configuration.writeTimeout))
        case .lingering(_, let pace): pace.deadline(loop.configuration.lingerTimeout)
        case .closed: nil
        }
    }

    /// Ends a connection whose client takes responses too slowly.
    private func checkOutputPace(_ now: ContinuousClock.Instant) {
        let configuration = loop.configuration
        guard outputPace?.isTooSlow(now, period: configuration.writeTimeout, rate: configuration.minimumRate) == true
        else { return }
        // A reset: otherwise the kernel would keep megabytes of its own for a client that goes on reading slowly.
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        abort()
    }
}
