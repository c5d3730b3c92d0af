// SPDX-License-Identifier: Apache-2.0

import InferenceQueue
import Testing

/// One caller cannot starve the others; a worker that hangs is given up.
@Suite(.timeLimit(.minutes(1))) struct FairnessTests {
    private let far = ContinuousClock.now + .seconds(600)

    /// Enqueues one request and comes back once its items wait.
    private func enqueue(
        _ items: [Int],
        of caller: Caller,
        to queue: InferenceQueue<GatedBackend>
    ) async throws -> Task<[Int], any Error> {
        let before = queue.snapshot().waitingItems
        let reservation = try queue.reserve(items: items.count, cost: Double(items.reduce(0, +)), caller: caller)
        let far = far
        let task = Task {
            try await queue.submit(items, reservation: reservation, deadline: far, timeout: .seconds(600))
                .map(\.output)
        }
        try await until { queue.snapshot().waitingItems == before + items.count }
        return task
    }

    /// A queue whose worker is held in a batch of one item, 9.
    private func heldQueue(
        _ backend: GatedBackend,
        limits: QueueLimits = QueueLimits(batchCost: 1)
    ) async throws -> (queue: InferenceQueue<GatedBackend>, first: Task<[Int], any Error>) {
        let queue = InferenceQueue(backend: backend, limits: limits)
        let reservation = try queue.reserve(items: 1, cost: 9)
        let far = far
        let first = Task {
            try await queue.submit([9], reservation: reservation, deadline: far, timeout: .seconds(600)).map(\.output)
        }
        try await until { backend.batches == [[9]] }
        return (queue, first)
    }

    @Test func callersTakeTurns() async throws {
        let backend = GatedBackend(isOpen: false)
        let (queue, first) = try await heldQueue(backend)
        var tasks = [first]
        // The first caller was there long before the others.
        tasks.append(try await enqueue([1, 1, 1, 1], of: .key(1), to: queue))
        tasks.append(try await enqueue([2, 2], of: .key(2), to: queue))
        tasks.append(try await enqueue([4], of: .key(3), to: queue))
        backend.open()
        for task in tasks { _ = try await task.value }
        // By cost: after one item each, the first caller is owed one more before the second's next.
        #expect(backend.batches.dropFirst() == [[1], [2], [4], [1], [1], [2], [1]])
        #expect(queue.snapshot().rememberedCallers == 0)
    }

    @Test func withoutKeysTheOrderIsThatOfArrival() async throws {
        let backend = GatedBackend(isOpen: false)
        let (queue, first) = try await heldQueue(backend)
        var tasks = [first]
        for item in [5, 1, 3] { tasks.append(try await enqueue([item], of: .anyone, to: queue)) }
        backend.open()
        for task in tasks { _ = try await task.value }
        #expect(backend.batches.dropFirst() == [[5], [1], [3]])
    }

    @Test func nobodySavesUpByBeingAway() async throws {
        let backend = GatedBackend(isOpen: false)
        let (queue, first) = try await heldQueue(backend)
        var tasks = [first]
        for item in [1, 1, 1, 1, 1, 1] { tasks.append(try await enqueue([item], of: .key(1), to: queue)) }
        // One that comes late gets its turns from now on, not those of the past.
        tasks.append(try await enqueue([2, 2, 2], of: .key(2), to: queue))
        backend.open()
        for task in tasks { _ = try await task.value }
        #expect(backend.batches.dropFirst() == [[1], [2], [1], [1], [2], [1], [1], [2], [1]])
    }

    @Test func aCallerLeavesAsMuchFreeAsItHolds() throws {
        let queue = InferenceQueue(backend: GatedBackend(), limits: QueueLimits(items: 8))
        var held: [Reservation] = []
        func reserveAll(_ caller: Caller) -> Int {
            var count = 0
            while let reservation = try? queue.reserve(items: 1, cost: 1, caller: caller) {
                held.append(reservation)
                count += 1
            }
            return count
        }
        #expect(reserveAll(.key(1)) == 4)
        #expect(reserveAll(.key(2)) == 2)
        #expect(reserveAll(.key(3)) == 1)
        // A newcomer finds a place even now.
        #expect(reserveAll(.key(4)) == 1)
        #expect(queue.snapshot().rememberedCallers == 4)
        held = []
        #expect(queue.snapshot().rememberedCallers == 0 && queue.snapshot().reservedItems == 0)
        // Without keys there is nobody to leave room for.
        #expect(reserveAll(.anyone) == 8)
        held = []
        // One large request of a caller that holds nothing is taken as far as there is room.
        #expect((try? queue.reserve(items: 8, cost: 8, caller: .key(1))) != nil)
    }

    @Test func aCallersCancelledItemsGiveItsPlacesBack() async throws {
        let backend = GatedBackend(isOpen: false)
        let (queue, first) = try await heldQueue(backend, limits: QueueLimits(items: 4, batchCost: 1))
        let leaving = try await enqueue([1, 1], of: .key(1), to: queue)
        #expect(throws: QueueError.self) { try queue.reserve(items: 1, cost: 1, caller: .key(1)) }
        leaving.cancel()
        await #expect(throws: QueueError.cancelled) { try await leaving.value }
        #expect(queue.snapshot().rememberedCallers == 0)
        #expect((try? queue.reserve(items: 2, cost: 2, caller: .key(1))) != nil)
        backend.open()
        #expect(try await first.value == [9])
    }

    @Test func aHangingWorkersRequestsAreGivenUpAndTheQueueRecovers() async throws {
        let backend = GatedBackend(isOpen: false)
        let limits = QueueLimits(batchCost: 1, watchdog: .milliseconds(1))
        let (queue, running) = try await heldQueue(backend, limits: limits)
        try await until { queue.snapshot().isHung }
        var refused: QueueError?
        do throws(QueueError) { _ = try queue.reserve(items: 1, cost: 1) } catch { refused = error }
        guard case .workerHung(let busy) = refused else {
            Issue.record("a hanging worker is given more: \(String(describing: refused))")
            return
        }
        #expect(busy > limits.watchdog)
        #expect(queue.abandonIfHung() != nil)
        await #expect {
            try await running.value
        } throws: { error in
            if case .workerHung = error as? QueueError { true } else { false }
        }
        backend.open()
        try await until { queue.isIdle }
        #expect(queue.abandonIfHung() == nil && queue.refusal() == nil)
        #expect(queue.snapshot().cancelledInInference == 1)
    }

    @Test func aSoundWorkersRequestsAreLeftAlone() async throws {
        let backend = GatedBackend(isOpen: false)
        let (queue, running) = try await heldQueue(backend)
        #expect(queue.abandonIfHung() == nil)
        backend.open()
        #expect(try await running.value == [9])
    }
}
