// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Testing

@Suite struct BatchScheduleTests {
    @Test(arguments: [
        (costs: [Double](), teamSize: 2, shared: [Int](), separate: [Int]()),
        (costs: [1], teamSize: 2, shared: [0], separate: []),
        (costs: [1], teamSize: 1, shared: [], separate: [0]),
        (costs: [1, 1], teamSize: 2, shared: [], separate: [0, 1]),
        (costs: [1, 1, 1], teamSize: 2, shared: [0], separate: [1, 2]),
        // A cheap and a dear one side by side would leave a thread idle for most of the time.
        (costs: [1, 4.7], teamSize: 2, shared: [1, 0], separate: []),
        (costs: [4.7, 1, 4.7], teamSize: 2, shared: [1], separate: [0, 2]),
        (costs: [1, 4.7, 1, 1, 1, 1], teamSize: 2, shared: [], separate: [1, 0, 2, 3, 4, 5]),
    ])
    func sharesWhatWouldLeaveThreadsIdle(costs: [Double], teamSize: Int, shared: [Int], separate: [Int]) {
        let schedule = BatchSchedule(costs: costs, teamSize: teamSize)
        #expect(schedule.shared == shared)
        #expect(schedule.separate == separate)
    }

    @Test(arguments: 1...9)
    func everyTaskRunsOnce(teamSize: Int) {
        var random = SeededGenerator(state: UInt64(teamSize))
        for count in 0..<20 {
            let costs = (0..<count).map { _ in Double.random(in: 0.1...5, using: &random) }
            let schedule = BatchSchedule(costs: costs, teamSize: teamSize)
            #expect((schedule.shared + schedule.separate).sorted() == Array(0..<count))
        }
    }
}
