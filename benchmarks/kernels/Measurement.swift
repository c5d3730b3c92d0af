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

/// Seconds that one call of `body` takes, over `repeats` calls.
func time(repeats: Int, _ body: () -> Void) -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    for _ in 0..<repeats { body() }
    let elapsed = start.duration(to: clock.now).components
    return (Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18) / Double(repeats)
}

/// Times the contenders in turn, A B C A B C ..., so that a busy neighbour disturbs them alike.
///
/// - Parameters:
///   - rounds: of each contender.
///   - workPerCall: operations of one call; a round is long enough for some 20 ms of them.
///   - contenders: what to call.
/// - Returns: the times of each contender.
func alternate(rounds: Int, workPerCall: Double, _ contenders: [() -> Void]) -> [Measurement] {
    var measurements = contenders.map { _ in Measurement() }
    let repeats = max(1, Int(2e9 / workPerCall))
    for contender in contenders { contender() }
    for _ in 0..<rounds {
        for (i, contender) in contenders.enumerated() {
            measurements[i].seconds.append(time(repeats: repeats, contender))
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
