// SPDX-License-Identifier: Apache-2.0

import FrequencyBands

extension FFTBands {
    /// The names of the module's tensors in the authors' checkpoints.
    private enum Names {
        static let mixing = "freq_modulator.band_transform.layers"
        static let first = "freq_modulator.denoiser.0"
        static let second = "freq_modulator.denoiser.2"
    }

    init(
        _ reader: WeightReader,
        configuration: ModelConfiguration,
        bands: FFTBandConfiguration,
        fft: FFT2D
    ) throws(ModelError) {
        channels = configuration.channels
        gridSide = configuration.gridSide
        rings = RingBands(transform: fft, radii: bands.radii(gridSide: gridSide))
        bandCount = rings.bandCount
        cutsBands = bands.condition == .mask
        mixing = try Self.mixing(reader, layers: bands.mixingLayers, bandCount: bandCount)
        first = try Convolution(
            reader,
            prefix: Names.first,
            channels: bandCount * channels,
            outputs: bands.denoiserWidth,
            geometry: ConvolutionGeometry(kernel: 3, padding: .symmetric, activation: .silu)
        )
        second = try Convolution(
            reader,
            prefix: Names.second,
            channels: bands.denoiserWidth,
            outputs: channels,
            geometry: ConvolutionGeometry(kernel: 3, padding: .symmetric, activation: .none)
        )
    }

    /// The product of the mixing layers, the first layer rightmost; nil without layers.
    private static func mixing(
        _ reader: WeightReader,
        layers: Int,
        bandCount: Int
    ) throws(ModelError) -> [Float]? {
        guard layers > 0 else { return nil }
        var product: [Double] = []
        for layer in 0..<layers {
            let weight = try reader.tensor("\(Names.mixing).\(layer).weight", shape: [bandCount, bandCount])
            if product.isEmpty {
                product = weight.map(Double.init)
                continue
            }
            product = (0..<bandCount * bandCount).map { index in
                let (row, column) = index.quotientAndRemainder(dividingBy: bandCount)
                return (0..<bandCount).reduce(0) { sum, inner in
                    sum + Double(weight[row * bandCount + inner]) * product[inner * bandCount + column]
                }
            }
        }
        return product.map { Float($0) }
    }

    /// Every tensor that the module needs.
    static func tensors(channels: Int, bands: FFTBandConfiguration) -> [TensorDescription] {
        let (count, width) = (bands.schedule.count, bands.denoiserWidth)
        func convolution(_ name: String, outputs: Int, inputs: Int) -> [TensorDescription] {
            [
                TensorDescription(
                    name + ".weight",
                    [outputs, inputs, 3, 3],
                    .spread(1 / Double(inputs * 9).squareRoot())
                ),
                TensorDescription(name + ".bias", [outputs], .spread(0.02)),
            ]
        }
        return (0..<bands.mixingLayers).map { layer in
            TensorDescription(
                "\(Names.mixing).\(layer).weight",
                [count, count],
                .spread(1 / Double(count).squareRoot())
            )
        }
            + convolution(Names.first, outputs: width, inputs: count * channels)
            + convolution(Names.second, outputs: channels, inputs: width)
    }
}
