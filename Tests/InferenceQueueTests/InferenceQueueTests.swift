// SPDX-License-Identifier: Apache-2.0

import Glibc
import InferenceQueue
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct InferenceQueueTests {
    private let far = ContinuousClock.now + .seconds(600)

    private func submit(
        _ items: [Int],
        to queue: InferenceQueue<GatedBackend>,
        deadline: ContinuousClock.Instant? = nil
    ) async throws -> [Int] {
        let reservation = try queue.reserve(items: items.count, cost: Double(items.reduce(0, +)))
        return try await queue.submit(
            items,
            reservation: reservation,
            deadline: deadline ?? far,
            timeout: .milliseconds(7)
        ).map(\.output)
    }

    @Test func resultsKeepTheirOrder() async throws {
        let queue = InferenceQueue(backend: GatedBackend(), limits: QueueLimits(batchCost: 3))
        #expect(try await submit([3, 1, 2, 1, 1], to: queue) == [3, 1, 2, 1, 1])
        try await until { queue.isIdle }
    }

    @Test func aReservationIsAllOrNothing() throws {
        let queue = InferenceQueue(backend: GatedBackend(), limits: QueueLimits(items: 4))
        let first = try queue.reserve(items: 3, cost: 3)
        let shortage = QueueError.Shortage(
            limit: .places,
            queuedItems: 3,
            requestedItems: 2,
            capacity: 4,
            queuedCost: 3,
            requestedCost: 2
        )
        #expect(throws: QueueError.full(shortage, retryAfterSeconds: 1)) { try queue.reserve(items: 2, cost: 2) }
        #expect(queue.snapshot().reservedItems == 3)
        _ = try queue.reserve(items: 1, cost: 1)
        withExtendedLifetime(first) {}
    }

    @Test func aReservationThatIsDroppedGivesItsPlacesBack() throws {
        let queue = InferenceQueue(backend: GatedBackend(), limits: QueueLimits(items: 2))
        do { _ = try queue.reserve(items: 2, cost: 2) }
        #expect(queue.snapshot().reservedItems == 0)
        #expect(queue.refusal() == nil)
    }

    // Each limit at its boundary: what just fits, then what does not.
    @Test(arguments: [
        (QueueError.Shortage.Limit.places, fits: (items: 2, cost: 1.0), fails: (items: 3, cost: 1.0)),
        (.cost, fits: (items: 1, cost: 2.0), fails: (items: 1, cost: 2.01)),
    ])
    func aRefusalNamesTheLimitThatLeavesNoRoom(
        limit: QueueError.Shortage.Limit,
        fits: (items: Int, cost: Double),
        fails: (items: Int, cost: Double)
    ) throws {
        let queue = InferenceQueue(backend: GatedBackend(), limits: QueueLimits(items: 4))
        let first = try queue.reserve(items: 2, cost: 2)
        do { _ = try queue.reserve(items: fits.items, cost: fits.cost) }
        let shortage = QueueError.Shortage(
            limit: limit,
            queuedItems: 2,
            requestedItems: fails.items,
            capacity: 4,
            queuedCost: 2,
            requestedCost: fails.cost
        )
        #expect(throws: QueueError.full(shortage, retryAfterSeconds: 1)) {
            try queue.reserve(items: fails.items, cost: fails.cost)
        }
        withExtendedLifetime(first) {}
    }

    // Of ten, one caller holds two beside another's two: with two more it holds four and leaves four free.
    @Test(arguments: [
        (QueueError.Shortage.Limit.callerPlaces, fits: (items: 2, cost: 1.0), fails: (items: 3, cost: 1.0)),
        (.callerCost, fits: (items: 1, cost: 2.0), fails: (items: 1, cost: 2.01)),
    ])
    func aRefusalNamesTheCallersShare(
        limit: QueueError.Shortage.Limit,
        fits: (items: Int, cost: Double),
        fails: (items: Int, cost: Double)
    ) throws {
        let queue = InferenceQueue(backend: GatedBackend(), limits: QueueLimits(items: 10))
        let held = [
            try queue.reserve(items: 2, cost: 2, caller: .key(1)),
            try queue.reserve(items: 2, cost: 2, caller: .key(2)),
        ]
        do { _ = try queue.reserve(items: fits.items, cost: fits.cost, caller: .key(1)) }
        let shortage = QueueError.Shortage(
            limit: limit,
            queuedItems: 4,
            requestedItems: fails.items,
            capacity: 10,
            queuedCost: 4,
            requestedCost: fails.cost,
            callerItems: 2,
            callerCost: 2
        )
        #expect(throws: QueueError.full(shortage, retryAfterSeconds: 1)) {
            try queue.reserve(items: fails.items, cost: fails.cost, caller: .key(1))
        }
        withExtendedLifetime(held) {}
    }

    @Test func aRequestThatCanNeverFitIsToldSo() {
        let queue = InferenceQueue(backend: GatedBackend(), limits: QueueLimits(items: 4))
        #expect(throws: QueueError.requestTooLarge(items: 5, capacity: 4)) { try queue.reserve(items: 5, cost: 5) }
    }

    @Test func limitsCountCost() throws {
        let queue = InferenceQueue(backend: GatedBackend(), limits: QueueLimits(items: 4))
        // Alone on an empty queue anything is served; otherwise no decode would fit a small queue.
        let costly = try queue.reserve(items: 1, cost: 100)
        #expect(throws: QueueError.self) { try queue.reserve(items: 1, cost: 1) }
        #expect(queue.refusal() != nil)
        withExtendedLifetime(costly) {}
    }

    @Test func batchesAreFormedByCostWhileTheWorkerIsBusy() async throws {
        let backend = GatedBackend(isOpen: false)
        let queue = InferenceQueue(backend: backend, limits: QueueLimits(batchCost: 4))
        async let first = submit([1], to: queue)
        try await until { backend.batches.count == 1 }
        async let second = submit([2, 2, 3, 9, 1], to: queue)
        try await until { queue.snapshot().waitingItems == 5 }
        backend.open()
        _ = try await (first, second)
        #expect(backend.batches == [[1], [2, 2], [3], [9], [1]])
        #expect(queue.snapshot().batches == 5)
    }

    @Test func aBatchHasAnItemForEveryCore() async throws {
        let backend = GatedBackend(parallelism: 3, isOpen: false)
        let queue = InferenceQueue(backend: backend, limits: QueueLimits(batchCost: 1))
        async let first = submit([1], to: queue)
        try await until { backend.batches.count == 1 }
        async let second = submit([5, 5, 5, 5], to: queue)
        try await until { queue.snapshot().waitingItems == 4 }
        backend.open()
        _ = try await (first, second)
        #expect(backend.batches == [[1], [5, 5, 5], [5]])
    }

    @Test func aFreeWorkerTakesWhatIsThere() async throws {
        let backend = GatedBackend()
        let queue = InferenceQueue(backend: backend, limits: QueueLimits(batchCost: 100))
        #expect(try await submit([1], to: queue) == [1])
        #expect(backend.batches == [[1]])
    }

    @Test func aDeadlineThatHasPassedRunsNothing() async throws {
        let backend = GatedBackend()
        let queue = InferenceQueue(backend: backend, limits: QueueLimits())
        await #expect(throws: QueueError.deadlineExceeded(stage: .queue, timeout: .milliseconds(7))) {
            _ = try await submit([1], to: queue, deadline: .now)
        }
        #expect(backend.batches.isEmpty && queue.isIdle)
    }

    @Test func aDeadlineEndsWaitingAndRunningRequests() async throws {
        let backend = GatedBackend(isOpen: false)
        let queue = InferenceQueue(backend: backend, limits: QueueLimits())
        // On a busy machine a deadline may come before the worker does; the next one is later.
        var lead = Duration.milliseconds(50)
        while true {
            let error = await #expect(throws: QueueError.self) {
                _ = try await submit([1], to: queue, deadline: .now + lead)
            }
            if error == .deadlineExceeded(stage: .inference, timeout: .milliseconds(7)) { break }
            try #require(error == .deadlineExceeded(stage: .queue, timeout: .milliseconds(7)))
            try #require(lead < .seconds(30))
            lead *= 2
        }
        // The worker is still held by what nobody waits for any more.
        await #expect(throws: QueueError.deadlineExceeded(stage: .queue, timeout: .milliseconds(7))) {
            _ = try await submit([1, 1], to: queue, deadline: .now + .milliseconds(50))
        }
        #expect(queue.snapshot().waitingItems == 0)
        backend.open()
        try await until { queue.isIdle }
        #expect(backend.batches == [[1]])
        #expect(queue.snapshot().cancelledInInference == 1)
    }

    @Test func aClientThatLeavesFreesItsItems() async throws {
        let backend = GatedBackend(isOpen: false)
        let queue = InferenceQueue(backend: backend, limits: QueueLimits())
        async let running = submit([1], to: queue)
        try await until { backend.batches.count == 1 }
        let leaving = Task { try await submit([1, 1, 1], to: queue) }
        try await until { queue.snapshot().waitingItems == 3 }
        leaving.cancel()
        await #expect(throws: QueueError.cancelled) { _ = try await leaving.value }
        #expect(queue.snapshot().waitingItems == 0)
        #expect(queue.snapshot().cancelledInQueue == 3)
        backend.open()
        let finished = try await running
        #expect(finished == [1])
        #expect(backend.batches == [[1]])
    }

    @Test func aResultWhoseClientLeftIsDropped() async throws {
        let backend = GatedBackend(isOpen: false)
        let queue = InferenceQueue(backend: backend, limits: QueueLimits())
        let leaving = Task { try await submit([1, 1], to: queue) }
        try await until { backend.batches.count == 1 }
        leaving.cancel()
        await #expect(throws: QueueError.cancelled) { _ = try await leaving.value }
        backend.open()
        try await until { queue.isIdle }
        #expect(queue.snapshot().cancelledInInference == 2)
        #expect(try await submit([4], to: queue) == [4])
    }

    // Cancellation may come before, while and after the items are enqueued; nothing may stay behind.
    @Test func cancellationNeverLosesAPlace() async throws {
        let queue = InferenceQueue(backend: GatedBackend(parallelism: 2), limits: QueueLimits(items: 10_000))
        let tasks = (0..<500).map { index in
            let task = Task { try await submit([index % 7 + 1, 1], to: queue) }
            if index % 2 == 0 { task.cancel() }
            return (index, task)
        }
        for (index, task) in tasks {
            switch await task.result {
            case .success(let response): #expect(response == [index % 7 + 1, 1])
            case .failure(let error): #expect(error as? QueueError == .cancelled && index % 2 == 0)
            }
        }
        try await until { queue.isIdle }
        let snapshot = queue.snapshot()
        #expect(snapshot.waitingItems == 0 && snapshot.reservedItems == 0 && snapshot.waitingCost == 0)
    }

    @Test func aBatchPastTheWatchdogIsHung() async throws {
        let backend = GatedBackend(isOpen: false)
        let queue = InferenceQueue(backend: backend, limits: QueueLimits(watchdog: .milliseconds(1)))
        #expect(!queue.snapshot().isHung)
        async let stuck = submit([1], to: queue)
        try await until { queue.snapshot().isHung }
        backend.open()
        _ = try await stuck
        try await until { queue.isIdle }
        #expect(!queue.snapshot().isHung && queue.snapshot().busyTotal > .milliseconds(1))
    }

    @Test func everyClientGetsItsOwnResponses() async throws {
        let queue = InferenceQueue(backend: GatedBackend(parallelism: 2), limits: QueueLimits(items: 100_000))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 1...64 {
                group.addTask {
                    for round in 0..<20 {
                        let items = [client, client + round, client]
                        let response = try await submit(items, to: queue)
                        #expect(response == items)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(queue.snapshot().costPerSecond > 0)
    }
}
