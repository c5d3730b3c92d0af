// SPDX-License-Identifier: Apache-2.0

import InferenceQueue
import Testing

/// A reservation that is used a part at a time.
@Suite(.timeLimit(.minutes(1))) struct PartialReservationTests {
    private let far = ContinuousClock.now + .seconds(600)

    private func submit(
        _ items: [Int],
        to queue: InferenceQueue<GatedBackend>,
        _ reservation: Reservation,
        keeping rest: Places = .none
    ) async throws -> [Int] {
        try await queue.submit(
            items,
            reservation: reservation,
            keeping: rest,
            deadline: far,
            timeout: .seconds(600)
        ).map(\.output)
    }

    private func expectIsEmpty(_ queue: InferenceQueue<GatedBackend>) async throws {
        try await until { queue.isIdle }
        #expect(queue.snapshot().reservedItems == 0 && queue.snapshot().rememberedCallers == 0)
    }

    @Test(arguments: [Caller.anyone, .key(1)]) func whatIsKeptStaysReserved(caller: Caller) async throws {
        let queue = InferenceQueue(backend: GatedBackend(), limits: QueueLimits(items: 12))
        do {
            let reservation = try queue.reserve(items: 6, cost: 6.3, caller: caller)
            let first = try await submit([1, 1], to: queue, reservation, keeping: Places(items: 4, cost: 4.1))
            #expect(first == [1, 1])
            #expect(queue.snapshot().reservedItems == 4 && reservation.held == Places(items: 4, cost: 4.1))
            #expect(!queue.isIdle)
            // No other caller gets them.
            #expect(throws: QueueError.self) { try queue.reserve(items: 9, cost: 1) }
            #expect(try await submit([1, 1, 1], to: queue, reservation) == [1, 1, 1])
            #expect(queue.snapshot().reservedItems == 0)
        }
        try await expectIsEmpty(queue)
        _ = try queue.reserve(items: 12, cost: 12)
    }

    @Test func whatIsKeptAndNotUsedIsGivenBack() async throws {
        let queue = InferenceQueue(backend: GatedBackend(), limits: QueueLimits(items: 4))
        do {
            let reservation = try queue.reserve(items: 4, cost: 4, caller: .key(1))
            _ = try await submit([1], to: queue, reservation, keeping: Places(items: 2, cost: 2))
            #expect(queue.snapshot().reservedItems == 2)
        }
        try await expectIsEmpty(queue)
    }

    /// The client leaves after the first part, before the second.
    @Test func aCancelledRequestUsesNoSecondPart() async throws {
        let backend = GatedBackend()
        let queue = InferenceQueue(backend: backend, limits: QueueLimits(items: 4))
        let task = Task {
            let reservation = try queue.reserve(items: 3, cost: 3, caller: .key(1))
            _ = try await submit([1], to: queue, reservation, keeping: Places(items: 2, cost: 2))
            withUnsafeCurrentTask { $0?.cancel() }
            return try await submit([2, 2], to: queue, reservation)
        }
        await #expect(throws: QueueError.cancelled) { try await task.value }
        try await expectIsEmpty(queue)
        #expect(backend.batches == [[1]])
    }
}
