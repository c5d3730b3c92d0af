// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import Synchronization

/// Runs blocking work (picture codecs) on threads of its own, first come, first served.
///
/// A picture may take seconds. On a Dispatch queue, of whatever label, such work would hold the threads that Swift's
/// tasks run on as well, of which there is one a CPU: every other request would wait behind it. The number of threads
/// bounds memory too: each job may hold one decoded picture.
final class BlockingPool: Sendable {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        /// Jobs that were taken already.
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
                guard state.head < state.jobs.count else {
                    state.jobs.removeAll(keepingCapacity: true)
                    state.head = 0
                    return (nil, state.isStopped)
                }
                state.head += 1
                return (state.jobs[state.head - 1], false)
            }
        }
    }

    private let width: Int
    private let mailbox = Mailbox()

    init(name: String, width: Int) {
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
    func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            mailbox.state.withLock { $0.jobs.append { continuation.resume(returning: body()) } }
            mailbox.arrivals.signal()
        }
    }
}
