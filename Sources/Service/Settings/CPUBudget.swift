// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// How many CPUs the process may use.
package struct CPUBudget: Sendable, Equatable {
    /// The smaller of CPU affinity and quota, with the quota's fraction.
    package let cores: Double

    /// The cores rounded down, at least 1: a thread more than the quota allows is stopped for a part of each period.
    package var threads: Int { max(1, Int(cores)) }

    /// The budget of this process now.
    package static func available() -> CPUBudget {
        CPUBudget(affinity: affinity() ?? ProcessInfo.processInfo.activeProcessorCount, root: "")
    }

    /// - Parameters:
    ///   - affinity: CPUs of the affinity mask.
    ///   - root: the folder that has `proc` and `sys`; empty for the machine's own.
    package init(affinity: Int, root: String) {
        let quotas = ControlGroups(root: root).cpuQuotas()
        cores = quotas.reduce(Double(affinity), min)
    }

    /// Not Foundation's count: it ignores the mask.
    private static func affinity() -> Int? {
        // A function of GNU, which Glibc's module does not show.
        typealias Function = @convention(c) (pid_t, Int, UnsafeMutableRawPointer?) -> Int32
        guard let address = dlsym(nil, "sched_getaffinity") else { return nil }
        let read = unsafeBitCast(address, to: Function.self)
        // The kernel refuses a mask shorter than its own; 2^19 CPUs are more than Linux supports.
        var words = 16
        while words <= 8192 {
            var mask = [UInt64](repeating: 0, count: words)
            if mask.withUnsafeMutableBytes({ read(0, $0.count, $0.baseAddress) }) == 0 {
                return mask.reduce(0) { $0 + $1.nonzeroBitCount }
            }
            guard errno == EINVAL else { return nil }
            words *= 2
        }
        return nil
    }
}

/// The control groups of this process, of version 1 and 2.
private struct ControlGroups {
    let root: String

    /// The CPU quotas of the process's group and of all groups above it: each of them limits it.
    func cpuQuotas() -> [Double] {
        var quotas: [Double] = []
        let mounts = lines("/proc/self/mountinfo").compactMap(Mount.init)
        for line in lines("/proc/self/cgroup") {
            // hierarchy:controllers:path; version 2 has no controllers here.
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let controllers = parts[1].split(separator: ",")
            guard controllers.isEmpty || controllers.contains("cpu") else { continue }
            for mount in mounts where controllers.isEmpty ? mount.isVersion2 : mount.controllers.contains("cpu") {
                quotas += groups(String(parts[2]), mount).compactMap { quota($0, isVersion2: mount.isVersion2) }
            }
        }
        return quotas
    }

    /// The folders of a group and of those above it, up to the mount point.
    private func groups(_ path: String, _ mount: Mount) -> [String] {
        // A container sees its own group mounted, but may see the machine's name of it.
        var below = ""
        if mount.root == "/" {
            below = path
        } else if path == mount.root || path.hasPrefix(mount.root + "/") {
            below = String(path.dropFirst(mount.root.count))
        }
        var names = below.split(separator: "/").filter { $0 != ".." }
        var folders = [mount.point]
        while !names.isEmpty {
            folders.append(mount.point + "/" + names.joined(separator: "/"))
            names.removeLast()
        }
        return folders
    }

    private func quota(_ folder: String, isVersion2: Bool) -> Double? {
        let words =
            isVersion2
            ? lines(folder + "/cpu.max").first?.split(separator: " ").map(String.init) ?? []
            : lines(folder + "/cpu.cfs_quota_us") + lines(folder + "/cpu.cfs_period_us")
        // "max" and -1 mean no quota.
        guard words.count == 2, let quota = Double(words[0]), let period = Double(words[1]), quota > 0, period > 0
        else { return nil }
        return quota / period
    }

    private func lines(_ path: String) -> [String] {
        let text = (try? String(contentsOfFile: root + path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    /// A line of `/proc/self/mountinfo` (proc(5)) that is a mount of control groups.
    private struct Mount {
        /// The folder of the file system that is mounted.
        let root: String
        let point: String
        let isVersion2: Bool
        let controllers: [Substring]

        init?(_ line: String) {
            guard let separator = line.range(of: " - ") else { return nil }
            let left = line[..<separator.lowerBound].split(separator: " ")
            let right = line[separator.upperBound...].split(separator: " ")
            guard left.count >= 5, right.count >= 3, right[0] == "cgroup" || right[0] == "cgroup2" else { return nil }
            (root, point) = (String(left[3]), String(left[4]))
            isVersion2 = right[0] == "cgroup2"
            controllers = isVersion2 ? [] : right[2].split(separator: ",")
        }
    }
}
