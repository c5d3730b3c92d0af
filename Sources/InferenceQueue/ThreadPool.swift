// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import Synchronization

/// Starts a thread under a name that `ps -L` and `/proc/PID/task/*/comm` show.
package func startThread(named name: String, _ body: @escaping @Sendable () -> Void) {
    Thread {
        // Foundation's own name is not the kernel's, and Glibc's module lacks pthread_setname_np.
        let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        if file >= 0 {
            _ = write(file, name, name.utf8.count)
            close(file)
        }
        body()
    }.start()
}

/// Threads that run blocking work, first come, first served.
///
/// A batch or a large image takes seconds. On a Dispatch queue such work would occupy the threads that timers and
/// Swift's tasks share, one per CPU, and delay every other request.
package final class ThreadPool: Sendable {
    private struct State {
        /// nil once taken: a retained job would retain the request's body.
        var jobs: [(@Sendable () -> Void)?] = []
        /// The number of taken jobs.
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

    /// Starts `width` threads called `name`.
    package init(name: String, width: Int) {
        self.width = width
        for _ in 0..<width {
            startThread(named: name) { [mailbox] in
                while true {
                    mailbox.arrivals.wait()
                    let (job, isStopped) = mailbox.next()
                    job?()
                    if isStopped { return }
                }
            }
        }
    }

    /// Jobs that wait are still run.
    deinit {
        mailbox.state.withLock { $0.isStopped = true }
        for _ in 0..<width { mailbox.arrivals.signal() }
    }

    package func start(_ job: @escaping @Sendable () -> Void) {
        mailbox.state.withLock { $0.jobs.append(job) }
        mailbox.arrivals.signal()
    }
}
