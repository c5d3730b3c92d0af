// SPDX-License-Identifier: Apache-2.0

import SocketServer
import Testing

@Suite struct DeadlineHeapTests {
    private final class Holder: DeadlineHolder {
        let name: Int
        var deadlineIndex: Int?

        init(_ name: Int) { self.name = name }

        func checkDeadline(_ now: ContinuousClock.Instant) {}
    }

    /// Sets, moves, removes and takes at random, and keeps the same deadlines in a dictionary.
    @Test func agreesWithASearchOfAll() {
        let start = ContinuousClock.now
        let holders = (0..<50).map(Holder.init)
        var generator = SystemRandomNumberGenerator()
        var heap = DeadlineHeap()
        var expected: [Int: ContinuousClock.Instant] = [:]
        for _ in 0..<20_000 {
            let holder = holders[Int.random(in: 0..<50, using: &generator)]
            let instant = start + .milliseconds(Int.random(in: 0..<200, using: &generator))
            switch Int.random(in: 0..<5, using: &generator) {
            case 0:
                heap.remove(holder)
                expected[holder.name] = nil
            case 1:
                let due = heap.popDue(instant) as? Holder
                #expect((due == nil) == !expected.values.contains { $0 <= instant })
                if let due {
                    #expect(expected[due.name] == expected.values.min())
                    #expect(due.deadlineIndex == nil)
                    expected[due.name] = nil
                }
            default:
                heap.set(holder, to: instant)
                expected[holder.name] = instant
            }
            #expect(heap.count == expected.count && heap.earliest == expected.values.min())
            #expect(heap.deadline(of: holder) == expected[holder.name])
        }
    }
}
