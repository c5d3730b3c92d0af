// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Service
import Testing

/// How many CPUs are counted, from files as the kernel writes them.
@Suite struct CPUBudgetTests {
    private static let version2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"

    private func budget(affinity: Int = 8, _ files: [String: String]) throws -> CPUBudget {
        let root = NSTemporaryDirectory() + "/uae-cgroup-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: root) }
        for (name, text) in files {
            let folder = URL(filePath: root + name).deletingLastPathComponent().path()
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try text.write(toFile: root + name, atomically: false, encoding: .utf8)
        }
        return CPUBudget(affinity: affinity, root: root)
    }

    @Test func withoutQuotaTheAffinityCounts() throws {
        #expect(try budget(affinity: 3, [:]).cores == 3)
        let files = [
            "/proc/self/mountinfo": Self.version2, "/proc/self/cgroup": "0::/\n",
            "/sys/fs/cgroup/cpu.max": "max 100000\n",
        ]
        #expect(try budget(affinity: 3, files).cores == 3)
    }

    @Test(arguments: [("150000 100000", 1.5, 1), ("50000 100000", 0.5, 1), ("290000 100000", 2.9, 2)])
    func aQuotaCountsWithItsFraction(quota: String, cores: Double, threads: Int) throws {
        let files = [
            "/proc/self/mountinfo": Self.version2, "/proc/self/cgroup": "0::/\n",
            "/sys/fs/cgroup/cpu.max": quota + "\n",
        ]
        let budget = try budget(files)
        #expect(budget.cores == cores)
        #expect(budget.threads == threads)
        #expect(try self.budget(affinity: 1, files).cores == min(1, cores))
    }

    @Test func theSmallestQuotaOnTheWayToTheRootCounts() throws {
        var files = [
            "/proc/self/mountinfo": Self.version2, "/proc/self/cgroup": "0::/a.slice/b.service/c\n",
            "/sys/fs/cgroup/a.slice/cpu.max": "200000 100000\n",
            "/sys/fs/cgroup/a.slice/b.service/cpu.max": "400000 100000\n",
            "/sys/fs/cgroup/a.slice/b.service/c/cpu.max": "max 100000\n",
            "/sys/fs/cgroup/a.slice/other/cpu.max": "100000 100000\n",
        ]
        #expect(try budget(files).cores == 2)
        files["/sys/fs/cgroup/a.slice/b.service/c/cpu.max"] = "125000 100000\n"
        #expect(try budget(files).cores == 1.25)
    }

    @Test func version1CountsToo() throws {
        var files = [
            "/proc/self/mountinfo":
                "31 23 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                + "32 23 0:28 /docker/abc /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n",
            // A container that sees the machine's name of its group.
            "/proc/self/cgroup": "4:cpu,cpuacct:/docker/abc\n3:memory:/docker/abc\n",
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "250000\n",
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        ]
        #expect(try budget(files).cores == 2.5)
        files["/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us"] = "-1\n"
        #expect(try budget(files).cores == 8)
    }

    @Test func filesThatMakeNoSenseGiveNoQuota() throws {
        for text in ["", "x y\n", "0 0\n", "-5 100\n", "100000\n", "nan 1\n", "1 2 3\n"] {
            let files = [
                "/proc/self/mountinfo": Self.version2 + "x\n - cgroup2\n", "/proc/self/cgroup": "0::/../..\nx\n",
                "/sys/fs/cgroup/cpu.max": text,
            ]
            #expect(try budget(files).cores == 8, "\(text)")
        }
    }

    @Test func aThreadThatMayRunOnOneCPUCountsOne() async {
        // A thread of its own, whose mask no other test has.
        let budget = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                Self.restrictToOneCPU()
                continuation.resume(returning: CPUBudget.available())
            }
        }
        #expect(budget.cores <= 1)
        #expect(budget.threads == 1)
    }

    /// Leaves the first CPU of the calling thread's mask.
    private static func restrictToOneCPU() {
        typealias Function = @convention(c) (pid_t, Int, UnsafeMutableRawPointer?) -> Int32
        guard let read = dlsym(nil, "sched_getaffinity"), let write = dlsym(nil, "sched_setaffinity") else { return }
        var mask = [UInt64](repeating: 0, count: 128)
        _ = mask.withUnsafeMutableBytes { unsafeBitCast(read, to: Function.self)(0, $0.count, $0.baseAddress) }
        var isFound = false
        for index in mask.indices {
            mask[index] = isFound ? 0 : mask[index] & (~mask[index] &+ 1)
            isFound = isFound || mask[index] != 0
        }
        _ = mask.withUnsafeMutableBytes { unsafeBitCast(write, to: Function.self)(0, $0.count, $0.baseAddress) }
    }
}
