// SPDX-License-Identifier: Apache-2.0

package import FrequencyBands

/// A square of a latent's tokens in one of its corners, from which the authors' compact decode makes a smaller image.
package struct TokenCorner: Sendable, Equatable {
    package enum Position: Sendable {
        case topLeft
        case bottomRight
    }

    package var position: Position
    /// Tokens per side.
    package var side: Int

    package init(position: Position, side: Int) {
        self.position = position
        self.side = side
    }

    /// The corner of a cut: the position of the block of coefficients that `map2d_square` keeps.
    package init(mode: BandMode, side: Int) {
        switch mode {
        case .low, .dropHigh: position = .topLeft
        case .high, .dropLow: position = .bottomRight
        }
        self.side = side
    }

    /// The first row, and column, of the corner in a grid.
    func origin(gridSide: Int) -> Int {
        position == .topLeft ? 0 : gridSide - side
    }
}
