// SPDX-License-Identifier: Apache-2.0

import Foundation
import InferenceQueue
import Synchronization
import Testing

@Suite struct ThreadPoolTests {
    private final class Probe: Sendable {
        static let alive = Atomic(0)

        init() { Self.alive.add(1, ordering: .relaxed) }
        deinit { Self.alive.subtract(1, ordering: .relaxed) }
    }

    /// A job holds a request's body: kept beyond its end, it would be memory lost for each request.
    @Test func jobsAreLetGo() async throws {
        let pool = ThreadPool(name: "test", width: 2)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<100 {
                let probe = Probe()
                group.addTask { _ = await pool.run { ObjectIdentifier(probe) } }
            }
        }
        // A thread lets go of its last job a little after that has returned.
        for _ in 0..<1000 where Probe.alive.load(ordering: .relaxed) > 0 {
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(Probe.alive.load(ordering: .relaxed) == 0)
        #expect(await pool.run { 7 } == 7)
    }

    @Test func oneThreadRunsJobsInTheirOrder() async {
        let pool = ThreadPool(name: "test.order", width: 1)
        let order = Mutex<[Int]>([])
        for index in 0..<100 { pool.start { order.withLock { $0.append(index) } } }
        await pool.run {}
        #expect(order.withLock { $0 } == Array(0..<100))
    }

    @Test func theKernelKnowsTheName() async throws {
        let pool = ThreadPool(name: "test.name", width: 1)
        let name = await pool.run { try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8) }
        #expect(name == "test.name\n")
    }

    @Test func whatWaitsWhenThePoolGoesIsStillRun() async {
        let done = Atomic(0)
        await withCheckedContinuation { continuation in
            let pool = ThreadPool(name: "test.end", width: 1)
            for index in 0..<10 {
                pool.start {
                    done.add(1, ordering: .relaxed)
                    if index == 9 { continuation.resume() }
                }
            }
        }
        #expect(done.load(ordering: .relaxed) == 10)
    }
}

extension ThreadPool {
    /// Runs `body` on a thread of the pool and returns what it returns.
    fileprivate func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            start { continuation.resume(returning: body()) }
        }
    }
}
