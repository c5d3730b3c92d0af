// SPDX-License-Identifier: Apache-2.0

package enum BandMode: String, Sendable, CaseIterable, Codable {
    /// Keep the first n coefficients in the order.
    case low
    /// Keep the last n.
    case high
    /// Drop the first n.
    case dropLow = "drop_low"
    /// Drop the last n.
    case dropHigh = "drop_high"
}

package enum CutoffMode: String, Sendable, CaseIterable, Codable {
    /// Count coefficients along the order.
    case reorder1D = "reorder_1d"
    /// Count the coefficients of a square block in a corner of the plane: 64 is 8 x 8.
    case map2DSquare = "map2d_square"
}

/// Why a band split cannot be made.
package enum BandError: Error, Equatable {
    case countOutOfRange(count: Int, limit: Int)
    /// `map2d_square` counts the coefficients of a square block; `nearest` are the square numbers around `count`.
    case countNotSquare(count: Int, nearest: [Int])
    /// `map2d_square` with a drop mode keeps a square block of what remains, which must be a square number too.
    case restNotSquare(count: Int, rest: Int, allowed: [Int])
    /// `map2d_square` needs a grid of equal sides.
    case gridNotSquare(height: Int, width: Int)
    case bandCountOutOfRange(count: Int, limit: Int)
    /// A range of coefficients is empty, or ends beyond the last one.
    case rangeOutOfBounds(from: Int, to: Int, limit: Int)
}

extension BandError: CustomStringConvertible {
    /// A part of a sentence, for the person who wrote the numbers.
    package var description: String {
        switch self {
        case .countOutOfRange(let count, let limit): "the count is \(count), must be within 0...\(limit)"
        case .countNotSquare(let count, let nearest):
            "the count is \(count), must be a square number such as \(nearest.map(String.init).joined(separator: " or "))"
        case .restNotSquare(let count, let rest, let allowed):
            "the count is \(count), which leaves \(rest) coefficients; with a drop mode and map2d_square it must be one of "
                + allowed.map(String.init).joined(separator: ", ")
        case .gridNotSquare(let height, let width): "map2d_square needs a square grid, this is \(height) x \(width)"
        case .bandCountOutOfRange(let count, let limit): "the number of bands is \(count), must be within 1...\(limit)"
        case .rangeOutOfBounds(let from, let to, let limit):
            "the coefficients are \(from)..<\(to), must be a range within 0..<\(limit) that is not empty"
        }
    }
}

/// Which DCT coefficients of a latent are kept.
package struct BandSplit: Sendable, Hashable {
    package var mode: BandMode
    package var order: FrequencyOrder
    package var cutoff: CutoffMode
    /// Coefficients that `mode` keeps or drops, 0...height*width.
    package var count: Int

    package init(mode: BandMode = .low, order: FrequencyOrder = .zigzag, cutoff: CutoffMode = .reorder1D, count: Int) {
        self.mode = mode
        self.order = order
        self.cutoff = cutoff
        self.count = count
    }

    /// Checks that a grid of `coefficientCount` coefficients has `count` of them.
    ///
    /// - Throws: `BandError.countOutOfRange`.
    package static func check(count: Int, coefficientCount: Int) throws(BandError) {
        guard (0...coefficientCount).contains(count) else {
            throw .countOutOfRange(count: count, limit: coefficientCount)
        }
    }

    /// One flag a coefficient, in flat order: whether it is kept.
    ///
    /// - Throws: `BandError`, every case but `.bandCountOutOfRange` and `.rangeOutOfBounds`.
    package func keeps(height: Int, width: Int) throws(BandError) -> [Bool] {
        try Self.check(count: count, coefficientCount: height * width)
        return switch cutoff {
        case .reorder1D: keepsAlongOrder(height, width)
        case .map2DSquare: try keepsSquare(height, width)
        }
    }

    private func keepsAlongOrder(_ height: Int, _ width: Int) -> [Bool] {
        let ordered = CoefficientOrder(order, height: height, width: width).indices
        let kept =
            switch mode {
            case .low: ordered.prefix(count)
            case .high: ordered.suffix(count)
            case .dropLow: ordered.dropFirst(count)
            case .dropHigh: ordered.dropLast(count)
            }
        var keeps = [Bool](repeating: false, count: height * width)
        for index in kept { keeps[index] = true }
        return keeps
    }

    /// `low` and `drop_high` keep a block at the top left, `high` and `drop_low` one at the bottom right, which is not
    /// the complement of the former.
    private func keepsSquare(_ height: Int, _ width: Int) throws(BandError) -> [Bool] {
        guard height == width else { throw .gridNotSquare(height: height, width: width) }
        let total = height * width
        let isTopLeft = mode == .low || mode == .dropHigh
        let drops = mode == .dropLow || mode == .dropHigh
        let allowed = (0...total).filter { squareRoot($0) != nil && (!drops || squareRoot(total - $0) != nil) }
        guard squareRoot(count) != nil else {
            let nearest = [allowed.last { $0 < count }, allowed.first { $0 > count }].compactMap(\.self)
            throw .countNotSquare(count: count, nearest: nearest)
        }
        let kept = drops ? total - count : count
        guard let side = squareRoot(kept) else {
            throw .restNotSquare(count: count, rest: kept, allowed: allowed)
        }
        let block = isTopLeft ? 0..<side : height - side..<height
        return (0..<total).map { index in
            let (y, x) = index.quotientAndRemainder(dividingBy: width)
            return block.contains(y) && block.contains(x)
        }
    }
}

/// The root of a square number; nil for other numbers.
package func squareRoot(_ number: Int) -> Int? {
    guard number >= 0 else { return nil }
    let root = Int(Double(number).squareRoot().rounded())
    return root * root == number ? root : nil
}

/// The square numbers just below and just above `number`, where they are within 0...`limit`.
package func nearestSquares(to number: Int, limit: Int) -> [Int] {
    let root = Int(Double(max(number, 0)).squareRoot())
    return [root * root, (root + 1) * (root + 1)].filter { $0 <= limit }
}
