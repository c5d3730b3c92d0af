// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Figures of this process, from the kernel.
struct ProcessFigures {
    let cpuSeconds: Double
    let residentBytes: Int
    let openDescriptors: Int
    /// When the service started, in seconds since the epoch.
    let startSeconds: Double

    private static let serviceStart = Date().timeIntervalSince1970

    static func read() -> ProcessFigures {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let whole = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
        let fraction = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec
        let statm = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        let pages = statm.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        let descriptors = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        return ProcessFigures(
            cpuSeconds: Double(whole) + Double(fraction) / 1e6,
            residentBytes: pages * sysconf(Int32(_SC_PAGESIZE)),
            openDescriptors: descriptors ?? 0,
            startSeconds: serviceStart
        )
    }
}
