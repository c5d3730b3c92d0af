// SPDX-License-Identifier: Apache-2.0

/// How long each stage of a request took, in order.
package struct StageTimings: Sendable, Equatable {
    /// Receiving the body.
    package var read = Duration.zero
    /// Reading the body into items, decoding and cropping images.
    package var image = Duration.zero
    package var queue = Duration.zero
    package var infer = Duration.zero
    /// Encoding the response.
    package var write = Duration.zero

    package var stages: [(name: String, duration: Duration)] {
        [("read", read), ("image", image), ("queue", queue), ("infer", infer), ("write", write)]
    }

    /// The value of the `Server-Timing` header, in milliseconds.
    package var header: String { self == Self() ? Self.nothing : text }

    /// Of responses without stages, such as those of probes, which come by the thousand.
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

    /// Milliseconds with three decimals at most, as a number.
    var roundedMilliseconds: Double { (self / .microseconds(1)).rounded() / 1000 }

    var seconds: Double { self / .seconds(1) }
}
