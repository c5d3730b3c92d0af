// SPDX-License-Identifier: Apache-2.0

import TensorFiles

/// The contents of `config.json`; `docs/model-folder.md` documents every member.
///
/// Every size is bounded when the file is read, and sizes that must agree are compared. The rest of the engine relies
/// on it.
package struct ModelConfiguration: Sendable, Equatable {
    /// The schema that this version reads and writes.
    package static let format = "uae-model/1"
    /// The window of SSIM, which rates reconstructions, has 11 pixels a side.
    private static let leastSide = 11

    package var name: String
    package var revision: String
    /// Side in pixels of the square image that the model takes.
    package var imageSide: Int
    /// Channels of the latent.
    package var channels: Int
    /// Side of the latent's token grid.
    package var gridSide: Int
    /// How an embedding and the image's coefficients share the latent; only in models of the family `uae-lite`.
    package var packing: PackingConfiguration?
    package var encoder: EncoderConfiguration
    package var decoder: DecoderConfiguration
    package var frequency: FrequencyConfiguration
    package var normalization: NormalizationConfiguration?
    package var head: HeadConfiguration?
    /// A text file in the folder with one category name per line.
    package var labelsFile: String?

    /// Side in pixels of the image that the decoder makes of a full latent.
    package var outputSide: Int { decoder.outputSide }
    package var tokenCount: Int { gridSide * gridSide }
    /// Numbers in one latent.
    package var latentCount: Int { channels * tokenCount }
    /// Side in pixels of the image that the encoder's network gets.
    package var encoderInputSide: Int { encoder.inputSide }

    /// Reads and checks a configuration.
    ///
    /// - Parameter json: the bytes of `config.json`.
    /// - Throws: the first thing that is wrong, with its path.
    package init(json: [UInt8]) throws(ConfigurationError) {
        let limit = 1 << 20
        guard json.count <= limit else { throw .tooLong(bytes: json.count, limit: limit) }
        let value: JSONNode
        do {
            value = try JSONParser.parse(json)
        } catch {
            throw .notJSON(error)
        }
        var reader = try ConfigurationReader(value, path: "")
        let format = try reader.text("format")
        guard format == Self.format else { throw .formatUnknown(found: format, supported: Self.format) }
        name = try reader.text("name")
        revision = try reader.text("revision")
        imageSide = try reader.integer("image_side", in: Self.leastSide...1024)
        channels = try reader.integer("channels", in: 1...8192)
        gridSide = try reader.integer("grid_side", in: 1...64)
        if let object = try reader.optionalObject("packing") {
            packing = try PackingConfiguration(object, channels: channels, gridSide: gridSide, imageSide: imageSide)
        }
        encoder = try EncoderConfiguration(reader.object("encoder"), imageSide: imageSide)
        try Self.check(encoder, packing: packing)
        decoder = try DecoderConfiguration(reader.object("decoder"), gridSide: gridSide, isPacking: packing != nil)
        frequency = try FrequencyConfiguration(reader.object("frequency"), gridSide: gridSide)
        normalization = try reader.optionalObject("normalization").map(NormalizationConfiguration.init(_:))
        head = try reader.optionalObject("head").map(HeadConfiguration.init(_:))
        labelsFile = try reader.optionalFileName("labels")
        try reader.finish()
        try encoder.check(channels: channels, gridSide: gridSide)
        try checkSides()
        try checkHead()
    }

    /// Models of the family `uae-lite` pack, others do not.
    private static func check(
        _ encoder: EncoderConfiguration,
        packing: PackingConfiguration?
    ) throws(ConfigurationError) {
        switch encoder.network {
        case .lite: guard packing != nil else { throw .missing(path: "packing") }
        case .transformer:
            guard packing == nil else { throw .packingNeedsLite(family: encoder.family.rawValue) }
        }
    }

    /// The latent holds the image's own coefficients, so the decoded image has the size of the input.
    private func checkSides() throws(ConfigurationError) {
        guard packing != nil else { return }
        guard imageSide.isMultiple(of: 2) else { throw .packingNeedsEvenSide(path: "image_side", side: imageSide) }
        guard encoderInputSide == imageSide else {
            throw .gridMismatch(path: "encoder.input_side", expected: imageSide, found: encoderInputSide)
        }
        guard outputSide == imageSide else {
            throw .gridMismatch(path: "decoder.output_side", expected: imageSide, found: outputSide)
        }
    }

    /// Checks that the model has what the head reads.
    private func checkHead() throws(ConfigurationError) {
        guard let head else { return }
        if head.source == .embedding {
            guard packing != nil else { throw .embeddingHeadWithoutPacking }
            guard head.layers.isEmpty else { throw .unknownMember(path: "head.layers") }
        }
        _ = try ConvolutionLayer.check(
            head.layers,
            from: MapShape(height: gridSide, width: gridSide, channels: channels),
            path: "head.layers"
        )
    }
}

extension Optional {
    /// `map` that keeps the closure's error type.
    fileprivate func map<Value>(
        _ transform: (Wrapped) throws(ConfigurationError) -> Value
    ) throws(ConfigurationError) -> Value? {
        guard let self else { return nil }
        return try transform(self)
    }
}

/// Statistics with which a latent is standardised as the last step of encoding.
package struct NormalizationConfiguration: Sendable, Equatable {
    /// A safetensors file in the folder with `mean` and `var`, each `[channels, gridSide, gridSide]`.
    package var file: String
    /// Added to the variance before its root is taken.
    package var epsilon: Double

    init(_ object: ConfigurationReader) throws(ConfigurationError) {
        var reader = object
        file = try reader.optionalFileName("file") ?? "stats.safetensors"
        epsilon = try reader.number("epsilon", in: 0...1)
        try reader.finish()
    }
}
