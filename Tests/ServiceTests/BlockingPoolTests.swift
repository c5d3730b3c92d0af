// SPDX-License-Identifier: Apache-2.0

import Service
import Synchronization
import Testing

@Suite struct BlockingPoolTests {
    private final class Probe: Sendable {
        static let alive = Atomic(0)

        init() { Self.alive.add(1, ordering: .relaxed) }
        deinit { Self.alive.subtract(1, ordering: .relaxed) }
    }

    /// A job holds a request's body: kept beyond its end, it would be memory lost for each request.
    @Test func jobsAreLetGo() async throws {
        let pool = BlockingPool(name: "test", width: 2)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<100 {
                let probe = Probe()
                group.addTask { _ = await pool.run { ObjectIdentifier(probe) } }
            }
        }
        // A thread lets go of its last job a little after that has answered.
        for _ in 0..<1000 where Probe.alive.load(ordering: .relaxed) > 0 {
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(Probe.alive.load(ordering: .relaxed) == 0)
        #expect(await pool.run { 7 } == 7)
    }
}
