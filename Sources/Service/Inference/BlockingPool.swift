// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// Runs blocking work (picture codecs) off the cooperative pool, at most `width` at a time, first come, first served.
///
/// The width bounds memory too: each job may hold one decoded picture.
final class BlockingPool: Sendable {
    private struct State {
        var running = 0
        var waiting: [@Sendable () -> Void] = []
        var head = 0
    }

    private let width: Int
    private let queue = DispatchQueue(label: "uae.pictures", attributes: .concurrent)
    private let state = Mutex(State())

    init(width: Int) {
        self.width = width
    }

    /// Runs `body` on a thread of the pool and returns what it returns.
    func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            let job: @Sendable () -> Void = { continuation.resume(returning: body()) }
            let mustStart = state.withLock { state in
                guard state.running < width else {
                    state.waiting.append(job)
                    return false
                }
                state.running += 1
                return true
            }
            if mustStart { queue.async { [self] in runJobs(first: job) } }
        }
    }

    private func runJobs(first: @Sendable () -> Void) {
        first()
        while let next = nextJob() { next() }
    }

    private func nextJob() -> (@Sendable () -> Void)? {
        state.withLock { state in
            guard state.head < state.waiting.count else {
                state.waiting.removeAll(keepingCapacity: true)
                state.head = 0
                state.running -= 1
                return nil
            }
            state.head += 1
            return state.waiting[state.head - 1]
        }
    }
}
