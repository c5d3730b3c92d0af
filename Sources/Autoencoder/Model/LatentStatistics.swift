// SPDX-License-Identifier: Apache-2.0

/// The statistics with which a latent is standardised: (z - mean) / sqrt(variance + epsilon).
package struct LatentStatistics: Sendable {
    /// `[channels, gridSide, gridSide]`.
    package let mean: [Float]
    /// `[channels, gridSide, gridSide]`.
    package let variance: [Float]
    package let epsilon: Float
    /// sqrt(variance + epsilon).
    private let deviation: [Float]

    init(
        _ reader: WeightReader,
        configuration: ModelConfiguration,
        epsilon: Double
    ) throws(ModelError) {
        let shape = [configuration.channels, configuration.gridSide, configuration.gridSide]
        mean = try reader.anyTensor("mean", shape: shape)
        variance = try reader.anyTensor("var", shape: shape)
        self.epsilon = Float(epsilon)
        if let index = mean.firstIndex(where: { !$0.isFinite }) {
            throw .statisticsInvalid(tensor: "mean", index: index, value: mean[index])
        }
        let offset = self.epsilon
        // Normalising divides by the deviation.
        if let index = variance.firstIndex(where: { !($0 >= 0 && $0.isFinite && $0 + offset > 0) }) {
            throw .statisticsInvalid(tensor: "var", index: index, value: variance[index])
        }
        deviation = variance.map { ($0 + offset).squareRoot() }
    }

    /// Standardises `values`, a whole latent.
    func normalize(_ values: UnsafeMutablePointer<Float>) {
        for index in 0..<mean.count { values[index] = (values[index] - mean[index]) / deviation[index] }
    }

    /// Undoes ``normalize(_:)`` on the tokens `[channels, side, side]` of one corner of a latent.
    func undo(_ values: UnsafeMutablePointer<Float>, corner: TokenCorner, gridSide: Int) {
        let (side, origin) = (corner.side, corner.origin(gridSide: gridSide))
        for channel in 0..<mean.count / (gridSide * gridSide) {
            for y in 0..<side {
                for x in 0..<side {
                    let place = (channel * gridSide + origin + y) * gridSide + origin + x
                    let index = (channel * side + y) * side + x
                    values[index] = values[index] * deviation[place] + mean[place]
                }
            }
        }
    }
}
