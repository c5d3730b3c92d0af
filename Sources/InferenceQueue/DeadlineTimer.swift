// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// One timer for the earliest of many deadlines.
final class DeadlineTimer: Sendable {
    typealias Instant = ContinuousClock.Instant

    private let queue = DispatchQueue(label: "uae.deadlines")
    private let clock = ContinuousClock()
    /// When the next sweep is due; nil: none is scheduled.
    private let due = Mutex<Instant?>(nil)

    /// Calls `sweep` once `deadline` has passed.
    ///
    /// - Parameters:
    ///   - deadline: of something that `sweep` knows already.
    ///   - sweep: ends what is late, and returns the earliest deadline of the rest.
    func schedule(for deadline: Instant, sweep: @escaping @Sendable () -> Instant?) {
        let isEarliest = due.withLock { due in
            guard due.map({ deadline < $0 }) ?? true else { return false }
            due = deadline
            return true
        }
        guard isEarliest else { return }
        let seconds = max(0, (deadline - clock.now) / .seconds(1))
        queue.asyncAfter(deadline: .now() + seconds) { [self] in
            // A sweep that was overtaken by an earlier deadline leaves the one in force alone.
            due.withLock { due in
                if due == deadline { due = nil }
            }
            if let next = sweep() { schedule(for: next, sweep: sweep) }
        }
    }
}
