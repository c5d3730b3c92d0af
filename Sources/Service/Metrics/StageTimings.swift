// SPDX-License-Identifier: Apache-2.0

/// What a request's time went into, in the order of the stages.
package struct StageTimings: Sendable, Equatable {
    /// Receiving the body.
    package var read = Duration.zero
    /// Taking the body apart, decoding and cropping pictures.
    package var image = Duration.zero
    package var queue = Duration.zero
    package var infer = Duration.zero
    /// Putting the answer's bytes together.
    package var write = Duration.zero

    package var stages: [(name: String, duration: Duration)] {
        [("read", read), ("image", image), ("queue", queue), ("infer", infer), ("write", write)]
    }

    /// The `Server-Timing` field's value, milliseconds.
    package var field: String { self == Self() ? Self.nothing : text }

    /// Of answers that took no stage, such as probes', which come by the thousand.
    private static let nothing = Self().text

    private var text: String {
        stages.map { "\($0.name);dur=\($0.duration.milliseconds)" }.joined(separator: ", ")
    }
}

extension Duration {
    /// Milliseconds with three decimals, such as `0.042`.
    var milliseconds: String {
        let microseconds = max(0, components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000)
        let (whole, rest) = microseconds.quotientAndRemainder(dividingBy: 1000)
        let digits = String(rest)
        return "\(whole).\(String(repeating: "0", count: 3 - digits.count))\(digits)"
    }

    var seconds: Double { self / .seconds(1) }
}
