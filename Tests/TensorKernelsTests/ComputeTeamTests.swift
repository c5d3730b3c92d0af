// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TensorKernels
import Testing

@Suite(.timeLimit(.minutes(1))) struct ComputeTeamTests {
    @Test(arguments: [1, 2, 3, 8])
    func everyIndexRunsOnce(size: Int) {
        let team = ComputeTeam(size: size)
        #expect(team.size == size)
        // Jobs of no, one, few and many indices one after another: sleepers must neither miss a job nor take from two.
        for count in [0, 1, 2, 7, 100, 3, 1000, 1] {
            let runs = UnsafeMutablePointer<Int>.allocate(capacity: max(1, count))
            runs.initialize(repeating: 0, count: max(1, count))
            team.forEach(count) { index, member in
                runs[index] += 1
                if member < 0 || member >= size { runs[index] += 1000 }
            }
            #expect((0..<count).allSatisfy { runs[$0] == 1 })
            runs.deallocate()
        }
    }

    @Test func thousandsOfShortJobsOnMoreThreadsThanCoresAllFinish() {
        let team = ComputeTeam(size: 16)
        let total = Atomic<Int>(0)
        for _ in 0..<5000 {
            team.forEach(5) { index, _ in _ = total.add(index, ordering: .relaxed) }
        }
        #expect(total.load(ordering: .relaxed) == 5000 * 10)
    }

    @Test func aSleepingTeamWakes() {
        let team = ComputeTeam(size: 4)
        let members = Atomic<Int>(0)
        for _ in 0..<20 {
            // Each index waits for all four: it takes four members awake at once.
            members.store(0, ordering: .sequentiallyConsistent)
            team.forEach(4) { _, _ in
                _ = members.add(1, ordering: .sequentiallyConsistent)
                while members.load(ordering: .sequentiallyConsistent) < 4 {}
            }
            #expect(members.load(ordering: .sequentiallyConsistent) == 4)
        }
    }

    /// Members that share the owner's processor leave it the work, and every index still runs once.
    @Test func membersOnABusyProcessorRest() throws {
        var allowed = [UInt64](repeating: 0, count: 16)
        let size = allowed.count * MemoryLayout<UInt64>.size
        #expect(getAffinity(0, size, &allowed) == 0)
        defer { _ = setAffinity(0, size, allowed) }
        let word = try #require(allowed.firstIndex { $0 != 0 })
        var one = [UInt64](repeating: 0, count: 16)
        one[word] = 1 << UInt64(allowed[word].trailingZeroBitCount)
        #expect(setAffinity(0, size, one) == 0)
        // Its threads inherit the one processor.
        let team = ComputeTeam(size: 3)
        let total = Atomic<Int>(0)
        var jobs = 0
        while team.restCount == 0 {
            team.forEach(24) { index, _ in
                var value = 1.0
                for _ in 0..<5000 { value = value * 1.0000001 + 0.5 }
                _ = total.add(value > 0 ? index : 0, ordering: .relaxed)
            }
            jobs += 1
        }
        #expect(total.load(ordering: .relaxed) == jobs * 276)
    }

    @Test func theSoloTeamServesManyCallers() async {
        let sums = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var sum = 0
                    ComputeTeam.solo.forEach(1000) { index, _ in sum += index }
                    return sum
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(sums == Array(repeating: 499_500, count: 8))
    }

    @Test func teamsEndWithTheirOwner() {
        for size in 1...6 {
            let team = ComputeTeam(size: size)
            team.forEach(3) { _, _ in }
        }
    }
}

// The module of Glibc leaves out its extensions. Thread 0 is the calling one.
@_silgen_name("sched_getaffinity")
private func getAffinity(_ thread: Int32, _ size: Int, _ set: UnsafeMutablePointer<UInt64>) -> Int32
@_silgen_name("sched_setaffinity")
private func setAffinity(_ thread: Int32, _ size: Int, _ set: UnsafePointer<UInt64>) -> Int32
