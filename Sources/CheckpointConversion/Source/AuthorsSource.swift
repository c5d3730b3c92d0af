// SPDX-License-Identifier: Apache-2.0

import Autoencoder

/// A model as the authors of the Unified Autoencoder, or of RAE, publish it: a YAML and the files that it names.
struct AuthorsSource {
    private let stage: StageConfiguration
    private let tree: SourceTree
    /// What the caller gave instead of the YAML's `ckpt`.
    private let checkpoint: String?

    init(configuration: String, root: String?, checkpoint: String?) throws(ConversionError) {
        stage = try StageConfiguration(path: configuration)
        tree = SourceTree(configuration: configuration, root: root)
        self.checkpoint = checkpoint
    }

    func plan(name: String) throws(ConversionError) -> ConversionPlan {
        var report = ConversionReport()
        report.add("configuration", stage.path)
        var tensors: TensorTable
        let encoder: EncoderSource
        if stage.target == .rae {
            encoder = try EncoderSource(stage, tree: tree, registerCount: nil)
            tensors = try raeWeights(encoder, report: &report)
        } else {
            tensors = try weights(report: &report)
            let registers = tensors.shape(of: "encoder.encoder.embeddings.register_tokens")
            encoder = try EncoderSource(stage, tree: tree, registerCount: registers.flatMap { $0.dropFirst().first })
        }
        let channels = encoder.description.width
        let side = encoder.description.gridSide
        if stage.target == .first, let count = dynamicBandCount(channels: channels) {
            try selectDynamicSet(count, in: &tensors)
        }
        let frequency = try frequency(channels: channels, side: side, tensors: tensors, report: &report)
        let decoder = try DecoderSource(stage, tree: tree, tensors: tensors, encoderGridSide: side)
        let assumptions = [encoder.assumption, decoder.assumption].compactMap(\.self)
        report.notes += assumptions
        tensors.assumption = assumptions.isEmpty ? nil : assumptions.joined(separator: " ")
        var description = ModelDescription(
            name: name,
            revision: "",
            encoder: encoder.description,
            decoder: decoder.description,
            frequency: frequency
        )
        // RAE crops images to the size that it decodes, the Unified Autoencoder always to 256.
        if stage.target == .rae { description.imageSide = description.decoder.outputSide }
        let statistics = try statistics(channels: channels, side: side)
        description.normalizationEpsilon = statistics?.epsilon
        report.notes += statistics?.notes ?? []
        if statistics == nil, stage.parameters.given("normalization_stat_path") != nil {
            report.notes.append(
                "The statistics lack mean or var; as in the first edition's code nothing is normalised."
            )
        }
        if description.decoder.gridSide != side {
            report.notes.append(
                "The encoder gives \(side) x \(side) tokens, the decoder's position table has \(description.decoder.gridSide) "
                    + "x \(description.decoder.gridSide); tokens are resized. Is encoder_input_size right?"
            )
        }
        report.describe(description, edition: edition, statistics: statistics)
        return ConversionPlan(description: description, tensors: tensors, statistics: statistics, report: report)
    }

    private var edition: String {
        switch stage.target {
        case .dct: "2026 (DCT), stage1.UAE"
        case .first: "first (FFT bands), unified_ae.UnifiedUAE"
        case .rae: "RAE, stage1.RAE"
        }
    }

    // MARK: Weights

    /// The tensors of the checkpoint.
    private func weights(report: inout ConversionReport) throws(ConversionError) -> TensorTable {
        let path = try checkpointPath()
        let file = try Self.open(path)
        let (dictionary, entry) = try entry(of: file)
        report.add("checkpoint", "\(path) (\(entry))")
        let table = try TensorTable(dictionary, path: path, entry: entry)
        // The shapes of both editions are the same, so that nothing else would notice.
        if stage.target != .first, table.values.keys.contains(where: { $0.hasPrefix("freq_modulator.") }) {
            throw .firstEditionCheckpoint(path: path)
        }
        return table
    }

    private static func open(_ path: String) throws(ConversionError) -> CheckpointFile {
        do {
            return try CheckpointFile(path: path)
        } catch {
            throw .file(error)
        }
    }

    private func checkpointPath() throws(ConversionError) -> String {
        if let checkpoint { return checkpoint }
        guard let name = stage.checkpoint else { throw .checkpointNotNamed(path: stage.path) }
        return try path(of: name, member: "ckpt")
    }

    private func path(of name: String, member: String) throws(ConversionError) -> String {
        guard let path = tree.file(name) else {
            throw .pathNotFound(path: stage.path, member: member, value: name, wanted: "file")
        }
        return path
    }

    /// Which member of a training state is the model: `ema` in the 2026 edition and in RAE, `model` in the first one.
    private func entry(of file: CheckpointFile) throws(ConversionError) -> (CheckpointValue, String) {
        guard file.isTorch else { return (file.root, "the file itself") }
        if stage.target == .first {
            return file.root["model"].map { ($0, "its 'model'") } ?? (file.root, "the file itself")
        }
        if let averaged = file.root["ema"] { return (averaged, "its 'ema'") }
        guard file.root["model"] == nil else { throw .averagedWeightsMissing(path: file.path) }
        return (file.root, "the file itself")
    }

    /// A RAE's weights: a whole model if the checkpoint holds one, else its decoder plus the encoder's Hugging Face
    /// folder, as RAE publishes them.
    private func raeWeights(
        _ encoder: EncoderSource,
        report: inout ConversionReport
    ) throws(ConversionError) -> TensorTable {
        var decoderPath: String
        if checkpoint != nil || stage.checkpoint != nil {
            decoderPath = try checkpointPath()
            // MAE's own file has a decoder with the same names, and an encoder's embeddings.
            let decoder = try? RAETensors.decoder(path: decoderPath)
            let isDecoder = decoder?.values["decoder.decoder_embed.weight"] != nil
            let hasEncoder = decoder?.values.keys.contains { $0.contains(".embeddings.") } ?? false
            if !isDecoder || hasEncoder {
                let whole = try weights(report: &report)
                guard whole.values[encoder.family.positionTable.name] != nil else {
                    throw .neitherModelNorDecoder(path: decoderPath)
                }
                return whole
            }
        } else {
            guard let name = try stage.text("pretrained_decoder_path") else {
                throw .memberMissing(path: stage.path, member: "pretrained_decoder_path")
            }
            decoderPath = try path(of: name, member: "pretrained_decoder_path")
        }
        guard let folder = encoder.folder else {
            throw .pathNotFound(
                path: stage.path,
                member: "encoder_params",
                value: encoder.names.first ?? "",
                wanted: "folder with config.json and weights"
            )
        }
        var table = try RAETensors.decoder(path: decoderPath)
        report.add("decoder weights", decoderPath)
        let (encoderTensors, encoderPath) = try RAETensors.encoder(folder: folder, family: encoder.family)
        report.add("encoder weights", encoderPath)
        table.merge(encoderTensors)
        // RAE's code keeps the initial values of tensors that the file lacks.
        if let width = table.shape(of: "decoder.decoder_embed.weight")?.first, width <= 8192 {
            let side = encoder.description.gridSide
            table.setDefault(
                DecoderSource.classToken,
                shape: [1, 1, width],
                values: [Float](repeating: 0, count: width)
            )
            table.setDefault(
                DecoderSource.positions,
                shape: [1, side * side + 1, width],
                values: PositionEmbedding.sinCos(rows: side * side + 1, width: width)
            )
        }
        return table
    }

    // MARK: Settings

    private func frequency(
        channels: Int,
        side: Int,
        tensors: TensorTable,
        report: inout ConversionReport
    ) throws(ConversionError) -> ModelDescription.Frequency {
        let value = stage.parameters["frequency_config"] ?? .null
        do throws(FrequencySettingError) {
            switch stage.target {
            case .rae: return .none
            case .dct:
                let settings = try DCTSettings(value, gridSide: side)
                report.notes += settings.notes
                return settings.frequency
            case .first:
                if let reshapes = stage.parameters.given("reshape_to_2d"), !reshapes.isTrue { throw .tokensNotReshaped }
                let settings = try FirstEditionSettings(value, channels: channels)
                return .fft(
                    schedule: settings.schedule,
                    mixingLayers: settings.mixingLayers,
                    condition: settings.condition,
                    denoiserWidth: tensors.shape(of: "freq_modulator.denoiser.0.weight")?.first
                        ?? max(2 * channels, 512)
                )
            }
        } catch {
            throw .frequency(path: stage.path, error)
        }
    }

    /// The number of bands of a model that was trained with changing numbers of them; nil for other models.
    private func dynamicBandCount(channels: Int) -> Int? {
        let settings = try? FirstEditionSettings(stage.parameters["frequency_config"] ?? .null, channels: channels)
        return settings.flatMap { $0.isDynamic ? $0.schedule.count : nil }
    }

    /// A model that was trained with changing numbers of bands has a set of tensors for each; inference uses the
    /// configured number's.
    private func selectDynamicSet(_ count: Int, in tensors: inout TensorTable) throws(ConversionError) {
        let denoiser = "freq_modulator.dynamic_denoisers.\(count)."
        let transforms = "freq_modulator.dynamic_transforms.\(count)."
        try tensors.rename { name in
            if name.hasPrefix("freq_modulator.band_transform.") { return nil }
            if name.hasPrefix(denoiser) { return "freq_modulator.denoiser." + name.dropFirst(denoiser.count) }
            if name.hasPrefix(transforms) { return "freq_modulator.band_transform." + name.dropFirst(transforms.count) }
            return name
        }
    }

    private func statistics(channels: Int, side: Int) throws(ConversionError) -> StatisticsSource? {
        guard let name = try stage.text("normalization_stat_path") else { return nil }
        let reshapes = stage.parameters.given("reshape_to_2d")?.isTrue ?? true
        return try StatisticsSource(
            path: try path(of: name, member: "normalization_stat_path"),
            edition: stage.target == .first ? .first : reshapes ? .dct : .dctTokens,
            channels: channels,
            side: side,
            epsilon: try stage.number("eps") ?? 1e-5
        )
    }
}
