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
    /// Count the side of the square of lowest coefficients, top left.
    case map2DSquare = "map2d_square"
}

/// Why a band split cannot be made.
package enum BandError: Error, Equatable {
    case countOutOfRange(count: Int, limit: Int)
    case modeNeedsOrder(BandMode)
    case bandCountOutOfRange(count: Int, limit: Int)
    case edgesNotAscending
    case shoulderOutOfRange(Double)
}

/// Which DCT coefficients of a latent stay.
package struct BandSplit: Sendable, Hashable {
    package var mode: BandMode
    package var order: FrequencyOrder
    package var cutoff: CutoffMode
    /// Coefficients, 0...height*width; or for `map2DSquare` the square's side, 0...min(height, width).
    package var count: Int

    package init(mode: BandMode = .low, order: FrequencyOrder = .zigzag, cutoff: CutoffMode = .reorder1D, count: Int) {
        self.mode = mode
        self.order = order
        self.cutoff = cutoff
        self.count = count
    }

    /// One flag a coefficient, in flat order: whether it stays.
    ///
    /// - Throws: `BandError.countOutOfRange`, `.modeNeedsOrder` (a square can be kept or dropped by `low`, `dropLow`).
    package func keeps(height: Int, width: Int) throws(BandError) -> [Bool] {
        switch cutoff {
        case .reorder1D: try keepsAlongOrder(height, width)
        case .map2DSquare: try keepsSquare(height, width)
        }
    }

    private func keepsAlongOrder(_ height: Int, _ width: Int) throws(BandError) -> [Bool] {
        let total = height * width
        guard (0...total).contains(count) else { throw .countOutOfRange(count: count, limit: total) }
        let ordered = CoefficientOrder(order, height: height, width: width).indices
        let kept =
            switch mode {
            case .low: ordered.prefix(count)
            case .high: ordered.suffix(count)
            case .dropLow: ordered.dropFirst(count)
            case .dropHigh: ordered.dropLast(count)
            }
        var keeps = [Bool](repeating: false, count: total)
        for index in kept { keeps[index] = true }
        return keeps
    }

    private func keepsSquare(_ height: Int, _ width: Int) throws(BandError) -> [Bool] {
        let limit = min(height, width)
        guard (0...limit).contains(count) else { throw .countOutOfRange(count: count, limit: limit) }
        let keepsInside: Bool
        switch mode {
        case .low: keepsInside = true
        case .dropLow: keepsInside = false
        case .high, .dropHigh: throw .modeNeedsOrder(mode)
        }
        return (0..<height * width).map { index in
            let (y, x) = index.quotientAndRemainder(dividingBy: width)
            return (y < count && x < count) == keepsInside
        }
    }
}
