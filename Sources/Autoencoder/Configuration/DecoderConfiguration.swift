// SPDX-License-Identifier: Apache-2.0

/// The part of a model that makes a picture of a latent: one or several paths whose outputs are added.
package struct DecoderConfiguration: Sendable, Equatable {
    /// The published decoder: embedding, class token, position embedding, blocks, norm, pixel head.
    package struct Transformer: Sendable, Equatable {
        /// Side of the grid that the stored position embedding covers.
        package var gridSide: Int
        package var blocks: TransformerConfiguration
    }

    package var outputSide: Int
    /// Side in pixels of the square that one token paints.
    package var patchSide: Int
    /// picture = y * deviation + mean per colour channel, y being the sum of the paths.
    package var mean: [Double]
    package var deviation: [Double]
    package var transformer: Transformer?
    /// Whether there is a linear map from each token to its pixels.
    package var hasLinear: Bool
    /// Layers from `[gridSide, gridSide, channels]` to `[outputSide, outputSide, 3]`; empty for none.
    ///
    /// In a packing model they lead from the whitened picture `[outputSide, outputSide, 3]` to a drawing of what it misses.
    package var convolutional: [ConvolutionLayer]

    /// Numbers that one token paints.
    package var patchCount: Int { patchSide * patchSide * 3 }

    init(
        _ object: ConfigurationReader,
        channels: Int,
        gridSide: Int,
        isPacking: Bool
    ) throws(ConfigurationError) {
        var reader = object
        outputSide = try reader.integer("output_side", in: 1...1024)
        patchSide = try reader.integer("patch_side", in: 1...128)
        mean = try reader.numbers("mean", count: 3, in: -1000...1000)
        deviation = try reader.numbers("std", count: 3, in: 1e-6...1000)
        if var path = try reader.optionalObject("transformer") {
            transformer = Transformer(
                gridSide: try path.optionalInteger("grid_side", in: 1...64) ?? gridSide,
                blocks: try TransformerConfiguration(&path, layerScale: nil)
            )
            try path.finish()
        }
        hasLinear = try reader.boolean("linear", default: false)
        if var path = try reader.optionalObject("convolutional") {
            convolutional = try ConvolutionLayer.list(&path, "layers")
            try path.finish()
        } else {
            convolutional = []
        }
        try reader.finish()
        let latent = MapShape(height: gridSide, width: gridSide, channels: channels)
        if isPacking {
            guard transformer == nil else { throw .packingDecodesThePicture(path: "decoder.transformer") }
            guard !hasLinear else { throw .packingDecodesThePicture(path: "decoder.linear") }
            try checkConvolutional(from: MapShape(height: outputSide, width: outputSide, channels: 3))
        } else {
            try check(latent)
            try checkConvolutional(from: latent)
        }
    }

    private func check(_ latent: MapShape) throws(ConfigurationError) {
        guard transformer != nil || hasLinear || !convolutional.isEmpty else { throw .decoderWithoutPath }
        guard outputSide.isMultiple(of: patchSide) else {
            throw .patchesDoNotFillPicture(path: "decoder.patch_side", side: outputSide, patchSide: patchSide)
        }
        let grid = outputSide / patchSide
        if let transformer, transformer.gridSide != grid {
            throw .gridMismatch(path: "decoder.transformer.grid_side", expected: grid, found: transformer.gridSide)
        }
        if hasLinear, grid != latent.height {
            throw .gridMismatch(path: "decoder.linear", expected: grid, found: latent.height)
        }
    }

    private func checkConvolutional(from input: MapShape) throws(ConfigurationError) {
        guard !convolutional.isEmpty else { return }
        let made = try ConvolutionLayer.check(
            convolutional,
            from: input,
            path: "decoder.convolutional.layers"
        )
        guard made.height == outputSide, made.width == outputSide else {
            throw .gridMismatch(path: "decoder.convolutional.layers", expected: outputSide, found: made.height)
        }
        guard made.channels == 3 else {
            throw .channelsMismatch(path: "decoder.convolutional.layers", expected: 3, found: made.channels)
        }
    }
}
