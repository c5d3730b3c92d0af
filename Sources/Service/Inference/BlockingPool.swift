// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import Synchronization

/// Runs blocking work (picture codecs) on threads of its own, first come, first served.
///
/// A picture may take seconds. On a Dispatch queue, of whatever label, such work would hold the threads that Swift's
/// tasks run on as well, of which there is one a CPU: every other request would wait behind it. The number of threads
/// bounds memory too: each job may hold one decoded picture.
package final class BlockingPool: Sendable {
    private struct State {
        /// nil: taken already; a job that is kept keeps the body that it was asked to read.
        var jobs: [(@Sendable () -> Void)?] = []
        /// How many of them are taken.
        var head = 0
        var isStopped = false
    }

    /// Shared with the threads, which must not keep their owner alive.
    private final class Mailbox: Sendable {
        let state = Mutex(State())
        /// Counts jobs, and at the end threads.
        let arrivals = DispatchSemaphore(value: 0)

        func next() -> (job: (@Sendable () -> Void)?, isStopped: Bool) {
            state.withLock { state in
                guard state.head < state.jobs.count else { return (nil, state.isStopped) }
                let job = state.jobs[state.head]
                state.jobs[state.head] = nil
                state.head += 1
                // Before it is empty too: under load it may never be.
                if 2 * state.head >= state.jobs.count {
                    state.jobs.removeFirst(state.head)
                    state.head = 0
                }
                return (job, false)
            }
        }
    }

    private let width: Int
    private let mailbox = Mailbox()

    package init(name: String, width: Int) {
        self.width = width
        let mailbox = mailbox
        for _ in 0..<width {
            let thread = Thread {
                while true {
                    mailbox.arrivals.wait()
                    let (job, isStopped) = mailbox.next()
                    job?()
                    if isStopped { return }
                }
            }
            thread.name = name
            thread.start()
        }
    }

    deinit {
        mailbox.state.withLock { $0.isStopped = true }
        for _ in 0..<width { mailbox.arrivals.signal() }
    }

    /// Runs `body` on a thread of the pool and returns what it returns.
    package func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            mailbox.state.withLock { $0.jobs.append { continuation.resume(returning: body()) } }
            mailbox.arrivals.signal()
        }
    }
}
