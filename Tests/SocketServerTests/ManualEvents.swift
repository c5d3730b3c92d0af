// SPDX-License-Identifier: Apache-2.0

import Glibc
import SocketServer
import Synchronization

/// Events that the test brings about: nothing is ready, and no time passes, before it says so.
///
/// - Note: `@unchecked Sendable` holds because everything but `posted` is used by the test's thread only.
final class ManualEvents: EventSource, @unchecked Sendable {
    private(set) var now = ContinuousClock.now
    private(set) var watches: [ManualWatch] = []
    /// When the timer fires; nil: it is not set.
    private(set) var timer: ContinuousClock.Instant?
    /// How often the timer was set, and fired.
    private(set) var timerSettings = 0
    private(set) var timerCalls = 0
    private var fire: (() -> Void)?
    private let posted = Mutex<[@Sendable () -> Void]>([])

    func post(_ body: @escaping @Sendable () -> Void) { posted.withLock { $0.append(body) } }

    func watch(_ descriptor: Int32, handler: any DescriptorHandler) -> any DescriptorWatch {
        let watch = ManualWatch(descriptor, handler)
        watches.append(watch)
        return watch
    }

    func setTimer(_ instant: ContinuousClock.Instant, fire: @escaping () -> Void) {
        timer = instant
        timerSettings += 1
        self.fire = fire
    }

    // MARK: What the test calls

    /// Delivers what is ready and was posted, until there is no more.
    func settle() {
        while true {
            let bodies = posted.withLock { posted in
                defer { posted = [] }
                return posted
            }
            for body in bodies { body() }
            let wasIdle = watches.filter { $0.deliver() }.isEmpty
            if bodies.isEmpty, wasIdle { return }
        }
    }

    /// Waits for what a task posts, and settles.
    func settle(until condition: () -> Bool) throws {
        for _ in 0..<30_000 {
            settle()
            if condition() { return }
            usleep(1000)
        }
        throw RawClient.Failure(description: "waited 30 s in vain")
    }

    /// Lets time pass; the timer fires at its own instant, and again if it is set to one before the end.
    func advance(by duration: Duration) {
        let end = now + duration
        while let timer, timer <= end {
            now = max(now, timer)
            self.timer = nil
            timerCalls += 1
            fire?()
            settle()
        }
        now = end
    }
}

/// A watch that counts, and tells what was asked of it.
final class ManualWatch: DescriptorWatch {
    let descriptor: Int32
    private(set) var isReading = true
    private(set) var isWriting = false
    private(set) var calls = 0
    private(set) var cancellations = 0
    private var handler: (any DescriptorHandler)?
    private var closed: (() -> Void)?

    init(_ descriptor: Int32, _ handler: any DescriptorHandler) {
        self.descriptor = descriptor
        self.handler = handler
    }

    func setInterest(reading: Bool, writing: Bool) {
        isReading = reading
        isWriting = writing
    }

    func cancel(closed: @escaping () -> Void) {
        cancellations += 1
        handler = nil
        self.closed = closed
    }

    /// Calls the handler if the kernel says that the descriptor is ready, or closes it once it is cancelled.
    ///
    /// - Returns: whether there was anything to do.
    func deliver() -> Bool {
        if let closed {
            close(descriptor)
            self.closed = nil
            closed()
            return true
        }
        guard let handler else { return false }
        let wanted = (isReading ? Int16(POLLIN) : 0) | (isWriting ? Int16(POLLOUT) : 0)
        var state = pollfd(fd: descriptor, events: wanted, revents: 0)
        guard poll(&state, 1, 0) > 0 else { return false }
        calls += 1
        var readiness: Readiness = []
        if state.revents & Int16(POLLIN) != 0 { readiness.insert(.readable) }
        if state.revents & Int16(POLLOUT) != 0 { readiness.insert(.writable) }
        // Hang-ups are reported whatever is wanted, but after what can be read.
        if state.revents & Int16(POLLHUP | POLLERR) != 0, !readiness.contains(.readable) || unreadCount == 0 {
            readiness.insert(.hungUp)
        }
        handler.handle(readiness)
        return true
    }

    private var unreadCount: Int32 {
        var count: Int32 = 0
        return ioctl(descriptor, UInt(FIONREAD), &count) == 0 ? count : 0
    }
}
