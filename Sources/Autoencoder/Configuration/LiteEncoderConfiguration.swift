// SPDX-License-Identifier: Apache-2.0

/// The `uae-lite` encoder: a semantic trunk, a detail path, and a modulator that mixes them by frequency.
///
/// The latent is the (mixed) semantic channels, then the detail channels that did not go into the mix. In a packing model
/// the mean of the semantic map makes the embedding instead.
package struct LiteEncoderConfiguration: Sendable, Equatable {
    /// A convolutional trunk whose map is standardised per channel.
    package struct Semantic: Sendable, Equatable {
        package var channels: Int
        package var layers: [ConvolutionLayer]
    }

    package var semantic: Semantic?
    package var detail: [ConvolutionLayer]
    /// Whether the first detail channels join the semantic ones through learned gains per channel and DCT coefficient.
    package var hasModulator: Bool

    init(_ reader: inout ConfigurationReader) throws(ConfigurationError) {
        if var object = try reader.optionalObject("semantic") {
            semantic = Semantic(
                channels: try object.integer("channels", in: 1...8192),
                layers: try ConvolutionLayer.list(&object, "layers")
            )
            try object.finish()
        }
        if var object = try reader.optionalObject("detail") {
            detail = try ConvolutionLayer.list(&object, "layers")
            try object.finish()
        } else {
            detail = []
        }
        hasModulator = try reader.boolean("modulator", default: false)
        guard semantic != nil || !detail.isEmpty else { throw .encoderWithoutPath }
        guard !hasModulator || semantic != nil else { throw .modulatorWithoutSemanticPath }
    }

    /// Checks a packing model's encoder, whose semantic map may be of any size.
    func checkPacking(inputSide: Int) throws(ConfigurationError) {
        guard let semantic, detail.isEmpty, !hasModulator else { throw .packingNeedsSemanticPathAlone }
        let input = MapShape(height: inputSide, width: inputSide, channels: 3)
        let out = try ConvolutionLayer.check(semantic.layers, from: input, path: "encoder.semantic.layers")
        try Self.check(semantic, makes: out)
    }

    func check(inputSide: Int, channels: Int, gridSide: Int) throws(ConfigurationError) {
        let input = MapShape(height: inputSide, width: inputSide, channels: 3)
        var made = 0
        if let semantic {
            let out = try ConvolutionLayer.check(semantic.layers, from: input, path: "encoder.semantic.layers")
            try Self.check(out, gridSide: gridSide, path: "encoder.semantic.layers")
            try Self.check(semantic, makes: out)
            made += out.channels
        }
        if !detail.isEmpty {
            let out = try ConvolutionLayer.check(detail, from: input, path: "encoder.detail.layers")
            try Self.check(out, gridSide: gridSide, path: "encoder.detail.layers")
            made += out.channels
            if hasModulator, let semantic {
                guard out.channels >= semantic.channels else {
                    throw .modulatorNeedsChannels(semantic: semantic.channels, detail: out.channels)
                }
                made -= semantic.channels
            }
        }
        guard made == channels else { throw .channelsMismatch(path: "channels", expected: made, found: channels) }
    }

    private static func check(_ semantic: Semantic, makes shape: MapShape) throws(ConfigurationError) {
        guard shape.channels == semantic.channels else {
            throw .channelsMismatch(
                path: "encoder.semantic.channels",
                expected: shape.channels,
                found: semantic.channels
            )
        }
    }

    private static func check(_ shape: MapShape, gridSide: Int, path: String) throws(ConfigurationError) {
        guard shape.height == gridSide, shape.width == gridSide else {
            throw .gridMismatch(path: path, expected: gridSide, found: shape.height)
        }
    }
}
