// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// Events from Dispatch, on a serial queue.
///
/// The queue has no target, so it runs on the root queue that overcommits: it gets a thread even while all threads of
/// the global queues are busy, and with them those of Swift's tasks. A queue that targets `DispatchQueue.global()`
/// would wait for one of them.
///
/// - Note: `@unchecked Sendable` holds because mutable state is touched on the queue only.
package final class DispatchEvents: EventSource, @unchecked Sendable {
    let queue: DispatchQueue
    private let timer: any DispatchSourceTimer
    private var fire: (() -> Void)?
    /// Watches that read something in this turn of the queue, to be read again in the next.
    private var active: [DispatchWatch] = []

    /// - Parameter label: the queue's name, which debuggers show.
    package init(label: String) {
        queue = DispatchQueue(label: label)
        timer = DispatchSource.makeTimerSource(queue: queue)
        timer.setEventHandler { [weak self] in self?.fire?() }
        // Dispatch opens a descriptor for the process's first timer; later there may be none left.
        timer.schedule(deadline: .now())
        timer.activate()
    }

    /// Dispatch would keep the source otherwise.
    deinit { timer.cancel() }

    package var now: ContinuousClock.Instant { .now }

    package func post(_ body: @escaping @Sendable () -> Void) { queue.async(execute: body) }

    package func watch(_ descriptor: Int32, handler: any DescriptorHandler) -> any DescriptorWatch {
        DispatchWatch(descriptor: descriptor, events: self, handler: handler)
    }

    package func setTimer(_ instant: ContinuousClock.Instant, fire: @escaping () -> Void) {
        self.fire = fire
        let nanoseconds = max(.zero, instant - now) / .nanoseconds(1)
        // Dispatch counts nanoseconds in 64 bits.
        timer.schedule(deadline: .now() + .nanoseconds(Int(min(nanoseconds, 1e18))))
    }

    /// Reads a watch again in the queue's next turn, after everything that is waiting now.
    func readAgain(_ watch: DispatchWatch) {
        active.append(watch)
        guard active.count == 1 else { return }
        queue.async { [self] in
            let watches = active
            active.removeAll(keepingCapacity: true)
            for watch in watches { watch.readAgain() }
        }
    }
}
