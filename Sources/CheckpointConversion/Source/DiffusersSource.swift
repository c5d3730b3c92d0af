// SPDX-License-Identifier: Apache-2.0

import Autoencoder

/// A folder of `diffusers`' `AutoencoderRAE.save_pretrained`.
///
/// - Source: docs/model.md, "Related models".
enum DiffusersSource {
    private static let className = "AutoencoderRAE"

    static func isFolder(_ folder: String) -> Bool {
        let path = SourceTree.joined(folder, "config.json")
        guard let document = try? SettingValue.json(path: path) else { return false }
        return document.given("_class_name")?.text == className
    }

    static func plan(folder: String, name: String) throws(ConversionError) -> ConversionPlan {
        let path = SourceTree.joined(folder, "config.json")
        let configuration = HubConfiguration(path: path, values: try SettingValue.json(path: path))
        var (encoder, decoder) = try sizes(configuration)
        var (tensors, weightsPath) = try weights(folder: folder, family: encoder.family)
        // The buffers in the file are what the library uses.
        encoder.mean = try colours("encoder_mean", in: tensors) ?? encoder.mean
        encoder.deviation = try colours("encoder_std", in: tensors) ?? encoder.deviation
        var report = ConversionReport()
        report.add("configuration", path)
        report.add("checkpoint", weightsPath)
        setPositions(in: &tensors, decoder: decoder, report: &report)
        var description = ModelDescription(
            name: name,
            revision: "",
            encoder: encoder,
            decoder: decoder,
            frequency: .none
        )
        description.imageSide = decoder.outputSide
        let statistics = try statistics(tensors, configuration, encoder: encoder)
        description.normalizationEpsilon = statistics.epsilon
        report.describe(description, edition: "diffusers \(className)", statistics: statistics)
        return ConversionPlan(description: description, tensors: tensors, statistics: statistics, report: report)
    }

    /// The folder stores few of the encoder's sizes; the rest are the transformers library's defaults.
    private static func sizes(
        _ configuration: HubConfiguration
    ) throws(ConversionError) -> (ModelDescription.Encoder, ModelDescription.Decoder) {
        let kind = configuration.values.given("encoder_type")?.spelled ?? "dinov2"
        guard let family = EncoderConfiguration.Family(rawValue: kind), [.dinov2, .siglip2, .mae].contains(family)
        else {
            throw .memberInvalid(
                path: configuration.path,
                member: "encoder_type",
                found: kind,
                allowed: "dinov2, siglip2 or mae"
            )
        }
        let width = try configuration.size("encoder_hidden_size", default: 768)
        let patchSide = try configuration.size("encoder_patch_size", default: 14)
        let inputSide = try configuration.size("encoder_input_size", default: 224)
        guard patchSide > 0, inputSide > 0, inputSide.isMultiple(of: patchSide) else {
            throw .encoderSizeMismatch(path: configuration.path, inputSide: inputSide, patchSide: patchSide)
        }
        let standard = family.standardization
        let encoder = ModelDescription.Encoder(
            family: family,
            inputSide: inputSide,
            patchSide: patchSide,
            blocks: ModelDescription.Blocks(
                width: width,
                depth: try configuration.size("encoder_num_hidden_layers", default: 12),
                headCount: width / 64,
                mlpWidth: family == .dinov2 ? 4 * width : 3072,
                layerNormEpsilon: family.layerNormEpsilon
            ),
            registerCount: family == .dinov2 ? 4 : nil,
            mean: try configuration.colours("encoder_norm_mean") ?? standard.mean,
            deviation: try configuration.colours("encoder_norm_std") ?? standard.deviation
        )
        let decoder = ModelDescription.Decoder(
            gridSide: encoder.gridSide,
            patchSide: try configuration.size("patch_size", default: 16),
            blocks: ModelDescription.Blocks(
                width: try configuration.size("decoder_hidden_size", default: 512),
                depth: try configuration.size("decoder_num_hidden_layers", default: 8),
                headCount: try configuration.size("decoder_num_attention_heads", default: 16),
                mlpWidth: try configuration.size("decoder_intermediate_size", default: 2048),
                layerNormEpsilon: PublishedDecoder.layerNormEpsilon
            )
        )
        try encoder.checkSizes()
        if let side = configuration.values.given("image_size"), side != .integer(decoder.outputSide) {
            throw .memberInvalid(
                path: configuration.path,
                member: "image_size",
                found: side.spelled,
                allowed: "\(decoder.outputSide), as the other sizes say"
            )
        }
        return (encoder, decoder)
    }

    private static func weights(
        folder: String,
        family: EncoderConfiguration.Family
    ) throws(ConversionError) -> (TensorTable, String) {
        let stem = "diffusion_pytorch_model"
        let names = [
            ".safetensors", ".safetensors.index.json", ".fp16.safetensors", ".safetensors.index.fp16.json",
            ".bf16.safetensors", ".safetensors.index.bf16.json", ".bin", ".bin.index.json", ".fp16.bin",
        ]
        let paths = names.map { SourceTree.joined(folder, stem + $0) }
        guard let path = paths.first(where: { SourceTree.kind(of: $0) == .file }) else {
            throw .unreadable(path: paths[0], errno: 2)
        }
        let root: CheckpointValue
        do {
            root = try CheckpointFile(path: path).root
        } catch {
            throw .file(error)
        }
        var table = try TensorTable(root, path: path, entry: "the file")
        try table.rename { checkpointName(of: $0, family: family) }
        return (table, path)
    }

    private static func checkpointName(of name: String, family: EncoderConfiguration.Family) -> String? {
        if name.hasPrefix("encoder.") {
            var inner = String(name.dropFirst("encoder.".count))
            if inner.hasPrefix("model.") { inner = String(inner.dropFirst("model.".count)) }
            return RAETensors.checkpointName(ofEncoderTensor: inner, family: family)
        }
        guard name.hasPrefix("decoder.") else { return name }
        // The library does not store it, and ignores it if present.
        if name == DecoderSource.positions { return nil }
        var inner = name.replacing(".attention.to_out.0.", with: ".attention.output.dense.")
        for (short, long) in [("q", "query"), ("k", "key"), ("v", "value")] {
            inner = inner.replacing(".attention.to_\(short).", with: ".attention.attention.\(long).")
        }
        return inner
    }

    /// The library computes the position table, and spreads other grids over the positions of a 16 x 16 grid.
    private static func setPositions(
        in tensors: inout TensorTable,
        decoder: ModelDescription.Decoder,
        report: inout ConversionReport
    ) {
        let rows = decoder.gridSide * decoder.gridSide + 1
        // Wider ones are refused with the rest of the description.
        guard decoder.blocks.width <= 8192 else { return }
        tensors.setDefault(
            DecoderSource.positions,
            shape: [1, rows, decoder.blocks.width],
            values: PositionEmbedding.sinCos(
                rows: rows,
                width: decoder.blocks.width,
                step: 16 / Double(decoder.gridSide)
            )
        )
        if decoder.gridSide != 16 {
            report.notes.append(
                "diffusers spaces the decoder's positions 16/\(decoder.gridSide) apart on this grid, RAE's own code 1; "
                    + "the result follows diffusers."
            )
        }
    }

    /// (z - mean) / (std + 1e-5), times the scaling factor, as (z - mean) / sqrt(variance).
    ///
    /// The library normalises always: without statistics its mean is 0 and its deviation 1.
    private static func statistics(
        _ tensors: TensorTable,
        _ configuration: HubConfiguration,
        encoder: ModelDescription.Encoder
    ) throws(ConversionError) -> StatisticsSource {
        let factor = try configuration.number("scaling_factor") ?? 1
        guard (1e-6...1e6).contains(factor) else {
            throw .memberInvalid(
                path: configuration.path,
                member: "scaling_factor",
                found: String(factor),
                allowed: "a number from 1e-6 to 1e6"
            )
        }
        let mean = try buffer("_latents_mean", in: tensors, default: 0, encoder: encoder)
        let deviation = try buffer("_latents_std", in: tensors, default: 1, encoder: encoder)
        if let index = deviation.firstIndex(where: { $0 <= -1e-5 }) {
            throw .statisticsInvalid(path: tensors.path, tensor: "_latents_std", index: index, value: deviation[index])
        }
        let variance = deviation.map { value -> Float in
            let divisor = (Double(value) + 1e-5) / factor
            return Float(divisor * divisor)
        }
        return try StatisticsSource(mean: mean, variance: variance, epsilon: 0).checked(path: tensors.path)
    }

    /// A buffer with one number a colour; nil if there is none.
    private static func colours(_ name: String, in tensors: TensorTable) throws(ConversionError) -> [Double]? {
        guard case .tensor(let tensor)? = tensors.values[name] else { return nil }
        guard tensor.count == 3 else {
            throw .tensorShape(
                path: tensors.path,
                tensor: name,
                expected: [1, 3, 1, 1],
                found: tensor.shape,
                assumption: nil
            )
        }
        return tensor.floats().map(Double.init)
    }

    /// A buffer that broadcasts onto the latent.
    private static func buffer(
        _ name: String,
        in tensors: TensorTable,
        default fallback: Float,
        encoder: ModelDescription.Encoder
    ) throws(ConversionError) -> [Float] {
        let (channels, side) = (encoder.width, encoder.gridSide)
        guard case .tensor(let tensor)? = tensors.values[name] else {
            return [Float](repeating: fallback, count: channels * side * side)
        }
        return try StatisticsSource.map(tensor, named: name, path: tensors.path, channels: channels, side: side)
    }
}
