// SPDX-License-Identifier: Apache-2.0

/// The part of a model that decodes latents to images.
package struct DecoderConfiguration: Sendable, Equatable {
    /// What differs between the families.
    package enum Network: Sendable, Equatable {
        case transformer(TransformerDecoderConfiguration)
        case lite(LiteDecoderConfiguration)
    }

    package var outputSide: Int
    /// Side in pixels of the square that one token becomes.
    package var patchSide: Int
    /// image = y * deviation + mean per colour channel, y being the network's output.
    package var mean: [Double]
    package var deviation: [Double]
    package var network: Network

    /// Numbers of the square that one token becomes.
    package var patchCount: Int { patchSide * patchSide * 3 }

    /// The transformer decoder, in models that have one.
    package var transformer: TransformerDecoderConfiguration? {
        if case .transformer(let sizes) = network { sizes } else { nil }
    }

    /// - `isPacking`: whether the model is of the family that packs, `uae-lite`.
    init(_ object: ConfigurationReader, gridSide: Int, isPacking: Bool) throws(ConfigurationError) {
        var reader = object
        outputSide = try reader.integer("output_side", in: 1...1024)
        patchSide = try reader.integer("patch_side", in: 1...128)
        mean = try reader.numbers("mean", count: 3, in: -1000...1000)
        deviation = try reader.numbers("std", count: 3, in: 1e-6...1000)
        if isPacking {
            network = .lite(try LiteDecoderConfiguration(&reader, outputSide: outputSide))
        } else {
            let sizes = try TransformerDecoderConfiguration(&reader, gridSide: gridSide)
            guard outputSide.isMultiple(of: patchSide) else {
                throw .patchesDoNotFillImage(path: "decoder.patch_side", side: outputSide, patchSide: patchSide)
            }
            let grid = outputSide / patchSide
            guard sizes.gridSide == grid else {
                throw .gridMismatch(path: "decoder.transformer.grid_side", expected: grid, found: sizes.gridSide)
            }
            network = .transformer(sizes)
        }
        try reader.finish()
    }
}
