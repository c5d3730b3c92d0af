// SPDX-License-Identifier: Apache-2.0

import CEpoll
import Dispatch
import Glibc

/// Events from a serial Dispatch queue and an epoll descriptor of its own.
///
/// Dispatch watches the epoll descriptor only, from the loop's beginning to its end. It could watch each connection, but
/// its record of a descriptor is freed while it is still used if a connection is reset at the wrong moment (libdispatch
/// issue 949), and it changes threads twice for each event.
///
/// The queue has no target, so it runs on the root queue that overcommits: it gets a thread even while all threads of
/// the global queues are busy, and with them those of Swift's tasks. A queue that targets `DispatchQueue.global()`
/// would wait for one of them.
///
/// - Note: `@unchecked Sendable` holds because mutable state is touched on the queue only.
package final class DispatchEvents: EventSource, @unchecked Sendable {
    private let queue: DispatchQueue
    private let timer: any DispatchSourceTimer
    private let poller = Poller()
    /// Tells that the poller has something to report.
    private let source: any DispatchSourceRead
    private var fire: (() -> Void)?
    private var watches: [UInt64: EpollWatch] = [:]
    private var nextToken: UInt64 = 0
    /// The last call of ``poll()`` found something, so another one is due, and the source is suspended.
    private var isActive = false

    /// - Parameter label: the queue's name, which debuggers show.
    package init(label: String) {
        queue = DispatchQueue(label: label)
        timer = DispatchSource.makeTimerSource(queue: queue)
        source = DispatchSource.makeReadSource(fileDescriptor: poller.descriptor, queue: queue)
        timer.setEventHandler { [weak self] in self?.fire?() }
        // Dispatch opens a descriptor for the process's first timer; later there may be none left.
        timer.schedule(deadline: .now())
        timer.activate()
        source.setEventHandler { [weak self] in self?.poll() }
        // Dispatch must not watch a closed descriptor.
        source.setCancelHandler { [poller] in withExtendedLifetime(poller) {} }
        source.activate()
    }

    /// Dispatch would keep the sources otherwise.
    deinit {
        timer.cancel()
        source.cancel()
    }

    package var now: ContinuousClock.Instant { .now }

    package func post(_ body: @escaping @Sendable () -> Void) { queue.async(execute: body) }

    package func setTimer(_ instant: ContinuousClock.Instant, fire: @escaping () -> Void) {
        self.fire = fire
        let nanoseconds = max(.zero, instant - now) / .nanoseconds(1)
        // Dispatch counts nanoseconds in 64 bits.
        timer.schedule(deadline: .now() + .nanoseconds(Int(min(nanoseconds, 1e18))))
    }

    package func watch(_ descriptor: Int32, handler: any DescriptorHandler) -> any DescriptorWatch {
        let watch = EpollWatch(descriptor: descriptor, token: nextToken, events: self, handler: handler)
        watches[nextToken] = watch
        nextToken += 1
        if !poller.add(descriptor, watch.interest, token: watch.token) {
            // The kernel has no memory for it: nothing would ever be reported.
            nonisolated(unsafe) let watch = watch
            post { watch.handle(EPOLLHUP.rawValue) }
        }
        return watch
    }

    // MARK: What watches call

    func update(_ watch: EpollWatch) { poller.modify(watch.descriptor, watch.interest, token: watch.token) }

    /// Closes the watch's descriptor in the queue's next turn: whoever is at work has done with it by then.
    func end(_ watch: EpollWatch, closed: @escaping () -> Void) {
        watches[watch.token] = nil
        poller.remove(watch.descriptor)
        let descriptor = watch.descriptor
        // Runs on the queue, as everything of a watch does.
        nonisolated(unsafe) let closed = closed
        post {
            close(descriptor)
            closed()
        }
    }

    // MARK: On the queue

    /// Handles what is ready, once for each descriptor.
    ///
    /// A client that is at work sends again within microseconds. So after an event there is another look in the queue's
    /// next turn, after everything that is waiting by then, and Dispatch, which takes longer, waits for the events only
    /// while there are none.
    private func poll() {
        let events = poller.wait()
        // An event's watch may have been cancelled by the handler of an event before; its token is not used again.
        for event in events { watches[event.data.u64]?.handle(event.events) }
        if !events.isEmpty { post { [self] in poll() } }
        guard isActive == events.isEmpty else { return }
        isActive.toggle()
        if isActive { source.suspend() } else { source.resume() }
    }
}

/// An epoll descriptor, and room for what it reports.
private final class Poller {
    let descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
    /// The kernel reports those that do not fit next time, before these.
    private let events = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: 256)

    init() { precondition(descriptor >= 0, "epoll_create1 failed with \(errno)") }

    deinit {
        close(descriptor)
        events.deallocate()
    }

    /// - Returns: whether it is watched.
    func add(_ descriptor: Int32, _ interest: UInt32, token: UInt64) -> Bool {
        control(EPOLL_CTL_ADD, descriptor, interest, token)
    }

    func modify(_ descriptor: Int32, _ interest: UInt32, token: UInt64) {
        _ = control(EPOLL_CTL_MOD, descriptor, interest, token)
    }

    func remove(_ descriptor: Int32) { _ = control(EPOLL_CTL_DEL, descriptor, 0, 0) }

    private func control(_ operation: Int32, _ descriptor: Int32, _ interest: UInt32, _ token: UInt64) -> Bool {
        var event = epoll_event(events: interest, data: epoll_data_t(u64: token))
        return epoll_ctl(self.descriptor, operation, descriptor, &event) == 0
    }

    /// What is ready now; valid until the next call.
    func wait() -> Slice<UnsafeMutableBufferPointer<epoll_event>> {
        events[..<max(0, Int(epoll_wait(descriptor, events.baseAddress, Int32(events.count), 0)))]
    }
}
