// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import Synchronization

/// A thread that runs jobs one after the other.
///
/// Batches run for seconds. On a Dispatch queue they would hold one of its few threads, and the timers that end late
/// requests would wait behind them.
final class WorkerThread: Sendable {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var isStopped = false
    }

    /// Shared with the thread, which must not keep its owner alive.
    private final class Mailbox: Sendable {
        let state = Mutex(State())
        let arrivals = DispatchSemaphore(value: 0)
    }

    private let mailbox = Mailbox()

    init(name: String) {
        let mailbox = mailbox
        let thread = Thread {
            while true {
                mailbox.arrivals.wait()
                let (jobs, isStopped) = mailbox.state.withLock { state in
                    defer { state.jobs.removeAll() }
                    return (state.jobs, state.isStopped)
                }
                for job in jobs { job() }
                if isStopped { return }
            }
        }
        thread.name = name
        thread.start()
    }

    deinit {
        mailbox.state.withLock { $0.isStopped = true }
        mailbox.arrivals.signal()
    }

    func run(_ job: @escaping @Sendable () -> Void) {
        mailbox.state.withLock { $0.jobs.append(job) }
        mailbox.arrivals.signal()
    }
}
