// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Service
import TensorFiles
import Testing

/// Which layout a shape means, for models in which a shape could mean several.
@Suite struct LatentGeometryTests {
    /// What a tensor of a shape is taken for: `kind x count`; nil: refused.
    private func meaning(
        _ shape: [Int],
        _ geometry: LatentGeometry,
        stated: LatentLayout? = nil,
        compact: TokenCorner.Position? = nil
    ) -> String? {
        let values = (0..<shape.reduce(1, *)).map { Float($0) }
        let tensor = TensorArray(shape: shape, values: values)
        guard let inputs = try? geometry.inputs(from: tensor, stated: stated, compact: compact),
            let first = inputs.first
        else { return nil }
        switch first {
        case .latent(let latent):
            // Tokens are transposed to the map.
            return "\(latent.count == 1 || latent[1] == 1 ? "map" : "tokens") x \(inputs.count)"
        case .frequencyTokens(_, let count): return "\(count) coefficients x \(inputs.count)"
        case .compactTokens(_, let corner): return "block \(corner.side) x \(inputs.count)"
        case .pixels: return "pixels"
        case .mixture: return "mixture"
        }
    }

    @Test(arguments: [
        ([3, 6, 4, 4], "map x 3"), ([6, 4, 4], "map x 1"), ([3, 16, 6], "tokens x 3"), ([16, 6], "tokens x 1"),
        ([3, 6, 16], "16 coefficients x 3"), ([3, 6, 5], "5 coefficients x 3"), ([6, 5], "5 coefficients x 1"),
        // A batch of six in the layout of coefficients: six channels, but no square.
        ([6, 6, 4], "4 coefficients x 6"), ([6, 6, 6], "6 coefficients x 6"), ([6, 4, 5], nil), ([0, 6, 4, 4], nil),
        ([], nil), ([6], nil), ([1, 1, 6, 4, 4], nil), ([3, 6, 17], nil), ([3, 6, 2, 2], nil), ([3, 6], nil),
    ])
    func eachShapeHasItsLayout(shape: [Int], expected: String?) {
        #expect(meaning(shape, LatentGeometry(channels: 6, gridSide: 4)) == expected, "\(shape)")
    }

    @Test func aMapBeatsABatchOfCoefficients() {
        // As many channels as the grid has rows.
        let geometry = LatentGeometry(channels: 4, gridSide: 4)
        #expect(meaning([4, 4, 4], geometry) == "map x 1")
        #expect(meaning([1, 4, 4, 4], geometry) == "map x 1")
        #expect(meaning([3, 4, 4], geometry) == "4 coefficients x 3")
        #expect(meaning([4, 4], geometry) == "4 coefficients x 1")
        // A file of ours says what it is.
        #expect(meaning([4, 4, 4], geometry, stated: .freqTokens) == "4 coefficients x 4")
        #expect(meaning([4, 4, 4], geometry, stated: .nchw) == "map x 1")
        #expect(meaning([4, 4, 4], geometry, stated: .tokens) == nil)
    }

    @Test func tokensBeatCoefficients() {
        // As many channels as tokens.
        let geometry = LatentGeometry(channels: 16, gridSide: 4)
        #expect(meaning([2, 16, 16], geometry) == "tokens x 2")
        #expect(meaning([16, 16], geometry) == "tokens x 1")
        #expect(meaning([2, 16, 16], geometry, stated: .freqTokens) == "16 coefficients x 2")
        #expect(meaning([2, 16, 15], geometry) == "15 coefficients x 2")
        #expect(meaning([16, 4, 4], geometry) == "map x 1")
    }

    @Test func aBlockOfTokensBeatsCoefficients() {
        let geometry = LatentGeometry(channels: 3, gridSide: 4)
        #expect(meaning([3, 3, 3], geometry) == "3 coefficients x 3")
        #expect(meaning([3, 3, 3], geometry, compact: .topLeft) == "block 3 x 1")
        #expect(meaning([2, 3, 2, 2], geometry, compact: .topLeft) == "block 2 x 2")
        #expect(meaning([2, 3, 4, 4], geometry, compact: .topLeft) == "map x 2")
        // A file of ours never holds a block.
        #expect(meaning([3, 3, 3], geometry, stated: .freqTokens, compact: .topLeft) == "3 coefficients x 3")
    }

    // Every shape that `/encode` gives a batch, for many models: it is read back as what it was.
    @Test func whatIsStatedIsReadBackForEveryModel() {
        for channels in 1...6 {
            for side in 1...3 {
                let geometry = LatentGeometry(channels: channels, gridSide: side)
                for count in 1...6 {
                    let tokens = meaning([count, side * side, channels], geometry, stated: .tokens)
                    #expect(tokens?.hasSuffix("x \(count)") == true)
                    #expect(meaning([count, channels, side, side], geometry, stated: .nchw) == "map x \(count)")
                    for kept in 1...side * side {
                        let shape = [count, channels, kept]
                        #expect(meaning(shape, geometry, stated: .freqTokens) == "\(kept) coefficients x \(count)")
                    }
                }
            }
        }
    }
}
