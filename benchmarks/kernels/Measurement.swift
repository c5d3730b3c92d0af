// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Times of one contender over the rounds of a run.
struct Measurement {
    var seconds: [Double] = []

    var median: Double {
        let sorted = seconds.sorted()
        return sorted.isEmpty ? .nan : sorted[sorted.count / 2]
    }

    /// (slowest - fastest) / median.
    var spread: Double {
        guard let fastest = seconds.min(), let slowest = seconds.max() else { return .nan }
        return (slowest - fastest) / median
    }
}

/// Seconds per call of `body`, over `repeats` calls.
///
/// One thread is timed by its processor time, which excludes other processes; several threads by wall-clock time.
func time(repeats: Int, threads: Int, _ body: () -> Void) -> Double {
    let clock = threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC
    func now() -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
    let start = now()
    for _ in 0..<repeats { body() }
    return (now() - start) / Double(repeats)
}

/// A benchmark: the operations of one call, the number of threads, and the call.
struct Contender {
    var operations: Double
    var threads = 1
    var body: () -> Void
}

/// Times the contenders in turn, A B C A B C ..., so that other processes disturb all of them equally.
///
/// - Parameters:
///   - rounds: of each contender.
///   - contenders: what to call, for some 10 ms a round.
/// - Returns: the times of each contender.
func alternate(rounds: Int, _ contenders: [Contender]) -> [Measurement] {
    var measurements = contenders.map { _ in Measurement() }
    for contender in contenders { contender.body() }
    for _ in 0..<rounds {
        for (i, contender) in contenders.enumerated() {
            let repeats = max(1, Int(1e9 / contender.operations))
            measurements[i].seconds.append(time(repeats: repeats, threads: contender.threads, contender.body))
        }
    }
    return measurements
}

extension Double {
    /// `digits` decimals, right-aligned in `width`.
    func formatted(_ digits: Int, width: Int) -> String {
        String(format: "%\(width).\(digits)f", self)
    }
}

extension String {
    func padded(_ width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
