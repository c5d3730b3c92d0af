// SPDX-License-Identifier: Apache-2.0

import Foundation

/// How many CPUs the process may use.
package enum CPUBudget {
    /// The floor of the smaller of CPU affinity and the container's quota, at least 1.
    package static func available() -> Int {
        // Foundation counts the CPUs of the affinity mask.
        let cores = ProcessInfo.processInfo.activeProcessorCount
        return max(1, min(cores, quota() ?? cores))
    }

    /// The quota of cgroup v2 (`cpu.max`) or v1, in whole CPUs; nil: none.
    private static func quota() -> Int? {
        func words(_ path: String) -> [Substring] {
            let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            return text.split(whereSeparator: \.isWhitespace)
        }
        let current = words("/sys/fs/cgroup/cpu.max")
        let limits =
            current.count == 2
            ? current
            : words("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") + words("/sys/fs/cgroup/cpu/cpu.cfs_period_us")
        guard limits.count == 2, let quota = Double(limits[0]), let period = Double(limits[1]), quota > 0, period > 0
        else { return nil }
        return Int(quota / period)
    }
}
