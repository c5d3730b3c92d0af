// SPDX-License-Identifier: Apache-2.0

import Dispatch
import InferenceQueue
import Synchronization
import Testing

/// An item is released when its request has its outputs, whatever still waits behind it.
@Suite(.timeLimit(.minutes(1))) struct ReleaseTests {
    private final class Count: Sendable {
        private let value = Atomic(0)
        var now: Int { value.load(ordering: .acquiring) }
        func add() { value.add(1, ordering: .releasing) }
    }

    private final class Item: Sendable {
        let released: Count
        init(_ released: Count) { self.released = released }
        deinit { released.add() }
    }

    /// Runs one batch of one item for each step that the test allows.
    private final class SteppedBackend: InferenceBackend {
        let parallelism = 1
        let steps = DispatchSemaphore(value: 0)

        func cost(of item: Item) -> Double { 1 }

        func run(_ items: [Item]) -> [Int] {
            steps.wait()
            return items.map { _ in 0 }
        }
    }

    @Test(arguments: [Caller.anyone, .key(1)])
    func servedItemsAreReleasedWhileOthersWait(caller: Caller) async throws {
        let backend = SteppedBackend()
        let queue = InferenceQueue(backend: backend, limits: QueueLimits(batchCost: 1))
        let released = Count()
        var tasks: [Task<Void, any Error>] = []
        for waiting in 0..<40 {
            let reservation = try queue.reserve(items: 1, cost: 1, caller: caller)
            tasks.append(
                Task {
                    _ = try await queue.submit(
                        [Item(released)],
                        reservation: reservation,
                        deadline: .now + .seconds(600),
                        timeout: .seconds(600)
                    )
                }
            )
            // The first runs, the others wait.
            try await until { queue.snapshot().waitingItems == waiting && queue.snapshot().busyFor != nil }
        }
        for served in 1...20 {
            backend.steps.signal()
            try await tasks[served - 1].value
            try await until { released.now == served }
            try await until { queue.snapshot().waitingItems == 39 - served }
        }
        for _ in 20..<40 { backend.steps.signal() }
        for task in tasks { try await task.value }
    }
}
