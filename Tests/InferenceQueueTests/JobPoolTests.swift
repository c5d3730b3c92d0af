// SPDX-License-Identifier: Apache-2.0

import Glibc
import InferenceQueue
import Synchronization
import Testing

/// Jobs of many requests share threads fairly, and leave with their request.
@Suite(.timeLimit(.minutes(1))) struct JobPoolTests {
    private let far = ContinuousClock.now + .seconds(600)

    /// A pool of one thread, which runs a job until the gate is opened; no job is cheap.
    private func heldPool(cheapCost: Double = -1) async throws -> (pool: JobPool, gate: DispatchGate) {
        let pool = JobPool(name: "test.jobs", width: 1, cheapCost: cheapCost)
        let (gate, hasBegun) = (DispatchGate(isOpen: false), DispatchGate(isOpen: false))
        let ticket = pool.ticket(for: .key(0), deadline: far, timeout: .seconds(600))
        Task {
            try await pool.run(ticket, cost: 1) {
                hasBegun.open()
                gate.wait()
            }
        }
        // Not a blocking wait: the task needs one of the threads that tests run on.
        try await until { hasBegun.isOpenNow }
        return (pool, gate)
    }

    private func ticket(
        _ pool: JobPool,
        _ caller: Caller = .anyone,
        deadline: ContinuousClock.Instant? = nil
    ) -> JobTicket {
        pool.ticket(for: caller, deadline: deadline ?? far, timeout: .milliseconds(7))
    }

    /// Adds jobs to the line, which append `name` to the order when they run.
    private func add(
        _ name: String,
        _ ticket: JobTicket,
        costs: [Double],
        to pool: JobPool,
        _ order: Order,
        _ tasks: inout [Task<Void, any Error>]
    ) async throws {
        for cost in costs {
            let before = pool.waitingJobs
            tasks.append(Task { try await pool.run(ticket, cost: cost) { order.append(name) } })
            try await until { pool.waitingJobs == before + 1 }
        }
    }

    private final class Order: Sendable {
        private let all = Mutex<[String]>([])
        var names: [String] { all.withLock { $0 } }
        func append(_ name: String) { all.withLock { $0.append(name) } }
    }

    private final class Probe: Sendable {
        let count: Order
        init(_ count: Order) { self.count = count }
        deinit { count.append("deinit") }
    }

    @Test func callersGetEqualSharesOfTheWork() async throws {
        let (pool, gate) = try await heldPool()
        let order = Order()
        var tasks: [Task<Void, any Error>] = []
        // The first caller has two requests, which share what the caller gets.
        try await add("a", ticket(pool, .key(1)), costs: [10, 10, 10], to: pool, order, &tasks)
        try await add("A", ticket(pool, .key(1)), costs: [10, 10], to: pool, order, &tasks)
        try await add("b", ticket(pool, .key(2)), costs: [10, 10], to: pool, order, &tasks)
        try await add("c", ticket(pool, .key(3)), costs: [30], to: pool, order, &tasks)
        gate.open()
        for task in tasks { try await task.value }
        #expect(order.names == ["a", "b", "A", "b", "a", "c", "A", "a"])
    }

    @Test func requestsOfOneCallerTakeTurns() async throws {
        let (pool, gate) = try await heldPool()
        let order = Order()
        var tasks: [Task<Void, any Error>] = []
        try await add("many", ticket(pool), costs: [10, 10, 10, 10], to: pool, order, &tasks)
        try await add("one", ticket(pool), costs: [10], to: pool, order, &tasks)
        gate.open()
        for task in tasks { try await task.value }
        #expect(order.names == ["many", "one", "many", "many", "many"])
    }

    @Test(arguments: [true, false])
    func aCheapJobPassesCostlyOnesThatCameBefore(hasKeys: Bool) async throws {
        let (pool, gate) = try await heldPool()
        let order = Order()
        var tasks: [Task<Void, any Error>] = []
        for key in 1...3 {
            try await add(
                "64 MP",
                ticket(pool, hasKeys ? .key(UInt64(key)) : .anyone),
                costs: [64],
                to: pool,
                order,
                &tasks
            )
        }
        try await add("small", ticket(pool, hasKeys ? .key(4) : .anyone), costs: [1], to: pool, order, &tasks)
        gate.open()
        for task in tasks { try await task.value }
        #expect(order.names == ["small", "64 MP", "64 MP", "64 MP"])
    }

    @Test func cheapJobsWithoutEndDoNotStarveACostlyOne() async throws {
        let (pool, gate) = try await heldPool()
        let order = Order()
        var tasks: [Task<Void, any Error>] = []
        try await add("costly", ticket(pool), costs: [64], to: pool, order, &tasks)
        let (ended, far) = (DispatchGate(isOpen: false), far)
        // Each is a request of its own, and in line before the one ahead of it ends.
        @Sendable func next() {
            let ticket = pool.ticket(for: .anyone, deadline: far, timeout: .zero)
            Task.detached {
                try await pool.run(ticket, cost: 1) {
                    order.append("cheap")
                    if order.names.contains("costly") || order.names.count == 1000 { return ended.open() }
                    let before = pool.waitingJobs
                    next()
                    while pool.waitingJobs == before { sched_yield() }
                }
            }
        }
        next()
        try await until { pool.waitingJobs == 2 }
        gate.open()
        try await until { ended.isOpenNow }
        // Two share the thread, so that the costly one waits for about as much work as it wants itself.
        let place = try #require(order.names.firstIndex(of: "costly"))
        #expect((100...140).contains(place))
        for task in tasks { try await task.value }
    }

    @Test func cheapJobsHaveAThreadOfTheirOwn() async throws {
        let (pool, gate) = try await heldPool(cheapCost: 4)
        let order = Order()
        var tasks: [Task<Void, any Error>] = []
        try await add("costly", ticket(pool), costs: [5], to: pool, order, &tasks)
        // The other thread is held all the while.
        for number in 0..<10 { #expect(try await pool.run(ticket(pool), cost: 4) { number } == number) }
        #expect(pool.waitingJobs == 1 && order.names.isEmpty)
        gate.open()
        for task in tasks { try await task.value }
    }

    @Test func aDeadlineEndsWaitingAndRunningJobs() async throws {
        let (pool, gate) = try await heldPool(cheapCost: 1)
        let order = Order()
        let late = QueueError.deadlineExceeded(stage: .image, timeout: .milliseconds(7))
        await #expect(throws: late) {
            let ticket = ticket(pool, deadline: .now + .milliseconds(20))
            try await pool.run(ticket, cost: 9) { order.append("late") }
        }
        #expect(pool.waitingJobs == 0)
        // This one runs, on the thread of cheap jobs, or at least waits for it.
        await #expect(throws: late) {
            try await pool.run(ticket(pool, deadline: .now + .milliseconds(20)), cost: 1) { gate.wait() }
        }
        await #expect(throws: late) {
            try await pool.run(ticket(pool, deadline: .now), cost: 1) { order.append("late") }
        }
        gate.open()
        #expect(try await pool.run(ticket(pool), cost: 1) { 7 } == 7)
        #expect(order.names.isEmpty)
    }

    @Test func aRequestThatLeavesTakesItsJobsAndTheirMemoryWithIt() async throws {
        let (pool, gate) = try await heldPool()
        let (order, ends) = (Order(), Order())
        let request = ticket(pool)
        let leaving = Task {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 {
                    let probe = Probe(ends)
                    group.addTask { try await pool.run(request, cost: 1) { probe.count.append("run") } }
                }
                try await group.waitForAll()
            }
        }
        try await until { pool.waitingJobs == 20 }
        var tasks: [Task<Void, any Error>] = []
        try await add("other", ticket(pool), costs: [1], to: pool, order, &tasks)
        leaving.cancel()
        await #expect(throws: QueueError.cancelled) { try await leaving.value }
        // The thread is still held by another request's job.
        #expect(pool.waitingJobs == 1)
        try await until { ends.names.count == 20 }
        #expect(ends.names.allSatisfy { $0 == "deinit" })
        gate.open()
        for task in tasks { try await task.value }
        #expect(order.names == ["other"])
    }

    @Test func jobsAreReleasedOnceTheyAreDone() async throws {
        let pool = JobPool(name: "test.release", width: 2, cheapCost: 1)
        let ends = Order()
        let tickets = (0..<4).map { ticket(pool, .key(UInt64($0))) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<100 {
                let probe = Probe(ends)
                group.addTask { _ = try await pool.run(tickets[index % 4], cost: Double(index % 3)) { probe.count } }
            }
            try await group.waitForAll()
        }
        try await until { ends.names.count == 100 }
        #expect(pool.waitingJobs == 0)
    }

    // Cancellation may come before, while and after a job waits; nothing may stay behind, and nothing may be lost.
    @Test func cancellationNeverLosesAJob() async throws {
        let pool = JobPool(name: "test.cancel", width: 2, cheapCost: 2)
        let tasks = (0..<500).map { index in
            let ticket = ticket(pool, .key(UInt64(index % 5)))
            let task = Task { try await pool.run(ticket, cost: Double(index % 7)) { index } }
            if index % 2 == 0 { task.cancel() }
            return task
        }
        for (index, task) in tasks.enumerated() {
            switch await task.result {
            case .success(let value): #expect(value == index)
            case .failure(let error): #expect(error as? QueueError == .cancelled && index % 2 == 0)
            }
        }
        #expect(pool.waitingJobs == 0)
    }
}
