// SPDX-License-Identifier: Apache-2.0

import Foundation
import FrequencyBands

extension DCTPacking {
    /// Names: `packing.colours` `[3, 3]`, `packing.order` `[slots of the image]`: indices into `[3, side, side]`,
    /// `packing.decay` `[3, 2]`: a coefficient's usual size is e^(decay₀ + decay₁ ln(r + 2)), r its distance from (0,
    /// 0).
    init(
        _ reader: WeightReader,
        _ packing: PackingConfiguration,
        configuration: ModelConfiguration,
        dct: DCT2D
    ) throws(ModelError) {
        channels = configuration.channels
        side = configuration.imageSide
        embeddingCount = packing.embeddingCount
        self.dct = dct
        let grid = configuration.gridSide
        let order = CoefficientOrder(configuration.frequency.order, height: grid, width: grid)
        (embeddingPlaces, imagePlaces) = packing.places(channels: configuration.channels, order: order.indices)
        var (starts, slots) = ([Int](), 0)
        for index in order.indices.indices {
            starts.append(slots)
            slots += channels - (index < packing.embeddingChannels.count ? packing.embeddingChannels[index] : 0)
        }
        coefficientStarts = starts
        colours = Self.colours(try reader.tensor("packing.colours", shape: [3, 3]), configuration)
        let stored = try reader.anyTensor("packing.order", shape: [imagePlaces.count])
        let natural = try Self.order(stored, count: 3 * side * side)
        let extents = Self.extents(of: natural, side: side)
        held = ImageDCT(side: side, extents: extents)
        let whole = ImageDCT(side: side, extents: [side, side, side])
        self.whole = whole
        let place = { [side] (index: Int) in
            whole.place(index / (side * side), row: index / side % side, column: index % side)
        }
        self.order = natural.map(place)
        rank = Self.rank(of: self.order, count: 3 * side * side)
        let sizes = Self.deviation(decay: try reader.tensor("packing.decay", shape: [3, 2]), side: side)
        var deviation = sizes
        for (index, size) in sizes.enumerated() { deviation[place(index)] = size }
        self.deviation = deviation
    }

    /// Both directions of the colours' orthonormal matrix `[3, 3]`: plane = matrix · standardised RGB.
    ///
    /// The forward direction also undoes the encoder's standardisation and applies the decoder's.
    private static func colours(
        _ matrix: [Float],
        _ configuration: ModelConfiguration
    ) -> (split: ImageDCT.Colours, join: ImageDCT.Colours) {
        let (encoder, decoder) = (configuration.encoder, configuration.decoder)
        let factors = (0..<3).map { encoder.deviation[$0] / decoder.deviation[$0] }
        let offsets = (0..<3).map { (encoder.mean[$0] - decoder.mean[$0]) / decoder.deviation[$0] }
        let split = ImageDCT.Colours(
            matrix: (0..<9).map { Float(Double(matrix[$0]) * factors[$0 % 3]) },
            offset: (0..<3).map { plane in
                Float((0..<3).reduce(0) { $0 + Double(matrix[3 * plane + $1]) * offsets[$1] })
            }
        )
        let transposed = (0..<9).map { matrix[$0 % 3 * 3 + $0 / 3] }
        return (split, ImageDCT.Colours(matrix: transposed, offset: [0, 0, 0]))
    }

    /// For each plane, one more than the highest frequency on either axis that any slot holds.
    private static func extents(of order: [Int], side: Int) -> [Int] {
        var extents = [0, 0, 0]
        for index in order {
            let plane = index / (side * side)
            extents[plane] = max(extents[plane], index / side % side + 1, index % side + 1)
        }
        return extents
    }

    private static func rank(of order: [Int], count: Int) -> [Int] {
        var rank = [Int](repeating: .max, count: count)
        for (place, index) in order.enumerated() { rank[index] = place }
        return rank
    }

    private static func deviation(decay: [Float], side: Int) -> [Float] {
        var deviation: [Float] = []
        deviation.reserveCapacity(3 * side * side)
        for plane in 0..<3 {
            for row in 0..<side {
                for column in 0..<side {
                    let distance = Float(row * row + column * column).squareRoot()
                    deviation.append(exp(decay[2 * plane] + decay[2 * plane + 1] * log(distance + 2)))
                }
            }
        }
        return deviation
    }

    /// Floats that must be different whole numbers below `count`.
    private static func order(_ stored: [Float], count: Int) throws(ModelError) -> [Int] {
        var seen = [Bool](repeating: false, count: count)
        var order: [Int] = []
        order.reserveCapacity(stored.count)
        for (place, value) in stored.enumerated() {
            guard let index = Int(exactly: value), index >= 0, index < count, !seen[index] else {
                throw .packingOrder(place: place, value: value, limit: count)
            }
            seen[index] = true
            order.append(index)
        }
        return order
    }
}
