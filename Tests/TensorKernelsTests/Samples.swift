// SPDX-License-Identifier: Apache-2.0

/// Numbers that look random and are the same in every run.
struct Samples {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    /// One number in -1..<1.
    mutating func next() -> Float {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(Int32(truncatingIfNeeded: state >> 32)) / 2_147_483_648
    }

    /// `count` numbers in -scale..<scale.
    static func of(_ count: Int, seed: UInt64, scale: Float = 1) -> [Float] {
        var samples = Samples(seed)
        return (0..<count).map { _ in samples.next() * scale }
    }
}

/// The largest distance between `found` and `expected`.
func largestDistance(_ found: [Float], _ expected: [Double]) -> Double {
    guard found.count == expected.count else { return .infinity }
    var largest = 0.0
    for (a, b) in zip(found, expected) {
        let distance = abs(Double(a) - b)
        if !(distance <= largest) { largest = distance }
    }
    return largest
}
