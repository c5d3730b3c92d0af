// SPDX-License-Identifier: Apache-2.0

/// The part of a model that encodes images to latents.
package struct EncoderConfiguration: Sendable, Equatable {
    package enum Family: String, Sendable, CaseIterable {
        case dinov2
        case clip
        case siglip2
        case mae
        case uaeLite = "uae-lite"
    }

    /// What differs between the families.
    package enum Network: Sendable, Equatable {
        case transformer(VisionTransformerConfiguration)
        case lite(LiteEncoderConfiguration)
    }

    package var family: Family
    /// Side in pixels of the network's input; the image is resized to it.
    package var inputSide: Int
    /// Per colour channel: the network sees (x - mean) / deviation, x in 0...1.
    package var mean: [Double]
    package var deviation: [Double]
    package var network: Network

    init(_ object: ConfigurationReader, imageSide: Int) throws(ConfigurationError) {
        var reader = object
        family = try reader.choice("family")
        inputSide = try reader.optionalInteger("input_side", in: 8...1024) ?? imageSide
        mean = try reader.numbers("mean", count: 3, in: -1000...1000)
        deviation = try reader.numbers("std", count: 3, in: 1e-6...1000)
        switch family {
        case .dinov2, .clip, .siglip2, .mae:
            network = .transformer(try VisionTransformerConfiguration(&reader, family: family, inputSide: inputSide))
        case .uaeLite:
            network = .lite(try LiteEncoderConfiguration(&reader))
        }
        try reader.finish()
    }

    /// Checks that the network's output is the latent.
    func check(channels: Int, gridSide: Int) throws(ConfigurationError) {
        switch network {
        case .transformer(let transformer):
            let grid = inputSide / transformer.patchSide
            guard grid == gridSide else { throw .gridMismatch(path: "grid_side", expected: grid, found: gridSide) }
            guard transformer.blocks.width == channels else {
                throw .channelsMismatch(path: "channels", expected: transformer.blocks.width, found: channels)
            }
        case .lite(let lite):
            try lite.check(inputSide: inputSide)
        }
    }
}
