// SPDX-License-Identifier: Apache-2.0

/// The ways in which the coefficients of a grid are put in order of frequency.
package enum FrequencyOrder: String, Sendable, CaseIterable, Codable {
    case zigzag
    case radial
}

/// The coefficients of a `height x width` grid by ascending frequency.
package struct CoefficientOrder: Sendable, Hashable {
    package let height: Int
    package let width: Int
    /// Flat indices (row-major), lowest frequency first.
    package let indices: [Int]

    /// - Source: docs/model.md, "Latent and frequency module"; the authors walk diagonals the other way round from JPEG's zigzag.
    package init(_ order: FrequencyOrder, height: Int, width: Int) {
        self.height = height
        self.width = width
        indices =
            switch order {
            case .zigzag: Self.zigzag(height, width)
            case .radial: Self.radial(height, width)
            }
    }

    /// Anti-diagonals s = y + x: even ones with x falling, odd ones with y falling.
    private static func zigzag(_ height: Int, _ width: Int) -> [Int] {
        var indices: [Int] = []
        indices.reserveCapacity(height * width)
        for diagonal in 0..<max(height + width - 1, 0) {
            let rows = max(0, diagonal - width + 1)...min(diagonal, height - 1)
            let isEven = diagonal % 2 == 0
            for y in isEven ? Array(rows) : rows.reversed() { indices.append(y * width + diagonal - y) }
        }
        return indices
    }

    /// Ascending distance from the constant coefficient, ties by flat index.
    private static func radial(_ height: Int, _ width: Int) -> [Int] {
        func squaredRadius(_ index: Int) -> Int {
            let (y, x) = index.quotientAndRemainder(dividingBy: width)
            return y * y + x * x
        }
        return (0..<height * width).sorted { (squaredRadius($0), $0) < (squaredRadius($1), $1) }
    }
}
