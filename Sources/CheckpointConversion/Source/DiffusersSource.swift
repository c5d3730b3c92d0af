// SPDX-License-Identifier: Apache-2.0

import Autoencoder

/// A folder of `diffusers`' `AutoencoderRAE.save_pretrained`.
///
/// - Source: docs/model.md, "Relatives".
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
        description.normalizationEpsilon = statistics?.epsilon
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
        return (encoder, decoder)
    }

    private static func weights(
        folder: String,
        family: EncoderConfiguration.Family
    ) throws(ConversionError) -> (TensorTable, String) {
        let stem = "diffusion_pytorch_model"
        let names = [".safetensors", ".safetensors.index.json", ".fp16.safetensors", ".bin", ".bin.index.json"]
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
        table.rename { checkpointName(of: $0, family: family) }
        return (table, path)
    }

    private static func checkpointName(of name: String, family: EncoderConfiguration.Family) -> String? {
        if name.hasPrefix("encoder.") {
            var inner = String(name.dropFirst("encoder.".count))
            if inner.hasPrefix("model.") { inner = String(inner.dropFirst("model.".count)) }
            return RAETensors.checkpointName(ofEncoderTensor: inner, family: family)
        }
        guard name.hasPrefix("decoder.") else { return name }
        // Not stored by the library, and ignored where it is there all the same.
        if name == DecoderSource.positions { return nil }
        var inner = name.replacing(".attention.to_out.0.", with: ".attention.output.dense.")
        for (short, long) in [("q", "query"), ("k", "key"), ("v", "value")] {
            inner = inner.replacing(".attention.to_\(short).", with: ".attention.attention.\(long).")
        }
        return inner
    }

    /// The library makes the position table itself, and spreads other grids over the sixteen places of a 16 x 16 one.
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
    private static func statistics(
        _ tensors: TensorTable,
        _ configuration: HubConfiguration,
        encoder: ModelDescription.Encoder
    ) throws(ConversionError) -> StatisticsSource? {
        let count = encoder.width * encoder.gridSide * encoder.gridSide
        let factor = configuration.values.given("scaling_factor")?.double ?? 1
        guard factor.isFinite, factor > 0 else {
            throw .memberInvalid(
                path: configuration.path,
                member: "scaling_factor",
                found: String(factor),
                allowed: "a number above 0"
            )
        }
        let mean = try buffer("_latents_mean", in: tensors, count: count, encoder: encoder)
        let deviation = try buffer("_latents_std", in: tensors, count: count, encoder: encoder)
        guard mean != nil || deviation != nil || factor != 1 else { return nil }
        let variance = (deviation ?? [Float](repeating: 1, count: count)).map { value -> Float in
            let divisor = (deviation == nil ? Double(value) : Double(value) + 1e-5) / factor
            return Float(divisor * divisor)
        }
        return StatisticsSource(
            mean: mean ?? [Float](repeating: 0, count: count),
            variance: variance,
            epsilon: 0
        )
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

    /// A buffer of the whole latent; nil for one of a single number, which stands for none.
    private static func buffer(
        _ name: String,
        in tensors: TensorTable,
        count: Int,
        encoder: ModelDescription.Encoder
    ) throws(ConversionError) -> [Float]? {
        guard case .tensor(let tensor)? = tensors.values[name] else { return nil }
        if let (index, value) = tensor.firstNonFinite() {
            throw .tensorNotFinite(path: tensors.path, tensor: name, index: index, value: value)
        }
        switch tensor.count {
        case 1: return nil
        case count: return tensor.floats()
        case encoder.width:
            let area = encoder.gridSide * encoder.gridSide
            return tensor.floats().flatMap { [Float](repeating: $0, count: area) }
        default:
            let side = encoder.gridSide
            throw .statisticsShape(
                path: tensors.path,
                tensor: name,
                found: tensor.shape,
                allowed: ["[\(encoder.width), \(side), \(side)]", "[\(encoder.width), 1, 1]", "[1]"]
            )
        }
    }
}
