// SPDX-License-Identifier: Apache-2.0

/// Which DCT coefficients of a latent stay; the others become zero.
package enum CoefficientCut: Sendable, Hashable {
    case split(BandSplit)
    /// Those at the places `from` to `to - 1` of an order, lowest frequency first.
    case range(from: Int, to: Int, order: FrequencyOrder)

    /// Checks that a range has a coefficient, and that a grid of `coefficientCount` has all of its coefficients.
    ///
    /// - Throws: `BandError.rangeOutOfBounds`.
    package static func check(from: Int, to: Int, coefficientCount: Int) throws(BandError) {
        guard from >= 0, from < to, to <= coefficientCount else {
            throw .rangeOutOfBounds(from: from, to: to, limit: coefficientCount)
        }
    }

    /// One flag a coefficient, in flat order: whether it stays.
    ///
    /// - Throws: `BandError`, every case but `.bandCountOutOfRange`.
    package func keeps(height: Int, width: Int) throws(BandError) -> [Bool] {
        switch self {
        case .split(let split): return try split.keeps(height: height, width: width)
        case .range(let from, let to, let order):
            try Self.check(from: from, to: to, coefficientCount: height * width)
            var keeps = [Bool](repeating: false, count: height * width)
            let ordered = CoefficientOrder(order, height: height, width: width).indices
            for index in ordered[from..<to] { keeps[index] = true }
            return keeps
        }
    }
}
