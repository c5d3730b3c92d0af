// SPDX-License-Identifier: Apache-2.0

import Autoencoder

/// How an encoder is described by a Hugging Face configuration, or by the name of a published one.
struct EncoderSource {
    let family: EncoderConfiguration.Family
    /// The encoder's names in the configuration.
    let names: [String]
    /// The folder with `config.json`; nil if the published sizes of a known name are used.
    let folder: String?
    let description: ModelDescription.Encoder
    /// The note for assumed sizes.
    var assumption: String? {
        folder == nil
            ? "The encoder's configuration was not found; the published sizes of \(names.joined(separator: ", ")) are used."
            : nil
    }

    /// The authors' class names.
    static let classes: [String: EncoderConfiguration.Family] = [
        "Dinov2withNorm": .dinov2, "CLIPwNorm": .clip, "SigLIP2wNorm": .siglip2, "MAEwNorm": .mae,
    ]

    /// Reads `encoder_cls`, `encoder_config_path`, `encoder_input_size` and `encoder_params`.
    ///
    /// - `registerCount`: as the checkpoint has it, for a DINOv2 that only its name describes.
    init(_ stage: StageConfiguration, tree: SourceTree, registerCount: Int?) throws(ConversionError) {
        let parameters = stage.parameters
        guard let className = try stage.text("encoder_cls") else {
            throw .memberMissing(path: stage.path, member: "encoder_cls")
        }
        // Only the 2026 edition has a class for CLIP.
        let classes = Self.classes.filter { stage.target == .dct || $0.value != .clip }
        guard let family = classes[className] else {
            throw .memberInvalid(
                path: stage.path,
                member: "encoder_cls",
                found: className,
                allowed: "one of \(classes.keys.sorted().joined(separator: ", "))"
            )
        }
        let extra = parameters.given("encoder_params") ?? .map([])
        if family == .dinov2 || family == .siglip2, let normalize = extra.given("normalize"), !normalize.isTrue {
            throw .memberInvalid(
                path: stage.path,
                member: "encoder_params.normalize",
                found: normalize.spelled,
                allowed: "true (no published model keeps the last norm's weights)"
            )
        }
        // The sizes follow from the weights' name, mean and deviation from the configuration's name.
        let weightsName = try stage.text(extra.given("dinov2_path") == nil ? "model_name" : "dinov2_path", in: extra)
        let configurationName = try stage.text("encoder_config_path")
        let names = [weightsName, configurationName == weightsName ? nil : configurationName].compactMap(\.self)
        let inputSide = try stage.integer("encoder_input_size") ?? 224
        let preprocessor = (configurationName ?? weightsName).flatMap(tree.hubFolder)
        self.family = family
        self.names = names
        folder = names.lazy.compactMap(tree.hubFolder).first
        if let folder {
            description = try Self.read(folder, preprocessor: preprocessor ?? folder, family, inputSide)
        } else if let known = PublishedEncoder.all.first(where: { names.contains($0.hubName) && $0.family == family }) {
            description = Self.published(known, inputSide: inputSide, registerCount: registerCount)
            if family == .clip, inputSide != known.inputSide {
                throw .encoderSideFixed(inputSide: inputSide, imageSide: known.inputSide)
            }
        } else {
            throw .encoderUnknown(path: stage.path, names: names)
        }
        if let count = description.registerCount, count != 4 {
            throw .memberInvalid(
                path: folder.map { $0 + "/config.json" } ?? stage.path,
                member: "num_register_tokens",
                found: String(count),
                allowed: "4 (the authors' code drops five leading tokens)"
            )
        }
        guard description.patchSide > 0, inputSide.isMultiple(of: description.patchSide) else {
            throw .encoderSizeMismatch(path: stage.path, inputSide: inputSide, patchSide: description.patchSide)
        }
        try description.checkSizes()
    }

    private static func published(
        _ known: PublishedEncoder,
        inputSide: Int,
        registerCount: Int?
    ) -> ModelDescription.Encoder {
        let (mean, deviation) = known.family.standardization
        return ModelDescription.Encoder(
            family: known.family,
            inputSide: inputSide,
            patchSide: known.patchSide,
            blocks: ModelDescription.Blocks(
                width: known.width,
                depth: known.depth,
                headCount: known.headCount,
                mlpWidth: known.mlpWidth,
                layerNormEpsilon: known.family.layerNormEpsilon
            ),
            registerCount: known.family == .dinov2 ? registerCount ?? 4 : nil,
            mean: mean,
            deviation: deviation
        )
    }

    private static func read(
        _ folder: String,
        preprocessor: String,
        _ family: EncoderConfiguration.Family,
        _ inputSide: Int
    ) throws(ConversionError) -> ModelDescription.Encoder {
        let path = folder + "/config.json"
        let document = try SettingValue.json(path: path)
        let reader = HubConfiguration(path: path, values: document.given("vision_config") ?? document)
        if family == .dinov2, let swiglu = reader.values.given("use_swiglu_ffn"), swiglu.isTrue {
            throw .memberInvalid(path: path, member: "use_swiglu_ffn", found: swiglu.spelled, allowed: "False")
        }
        let activation =
            switch family {
            case .clip: "quick_gelu"
            case .siglip2: "gelu_pytorch_tanh"
            case .dinov2, .mae, .uaeLite: "gelu"
            }
        if let found = reader.values.given("hidden_act")?.spelled, found != activation {
            throw .memberInvalid(path: path, member: "hidden_act", found: found, allowed: activation)
        }
        let isSiglip = family == .siglip2
        let width = try reader.size("hidden_size", default: isSiglip ? 768 : nil)
        let mlpWidth: Int
        if family == .dinov2 {
            let ratio = try reader.number("mlp_ratio") ?? 4
            mlpWidth = Int(min(max(ratio * Double(width), 0), 1e6))
        } else {
            mlpWidth = try reader.size("intermediate_size", default: isSiglip ? 3072 : nil)
        }
        if family == .clip, let side = reader.values.given("image_size")?.truncatedInteger, side != inputSide {
            throw .encoderSideFixed(inputSide: inputSide, imageSide: side)
        }
        let standard = family.standardization
        var (mean, deviation) = (standard.mean, standard.deviation)
        let preprocessorPath = preprocessor + "/preprocessor_config.json"
        if SourceTree.kind(of: preprocessorPath) == .file {
            let values = HubConfiguration(path: preprocessorPath, values: try SettingValue.json(path: preprocessorPath))
            mean = try values.colours("image_mean") ?? mean
            deviation = try values.colours("image_std") ?? deviation
        }
        return ModelDescription.Encoder(
            family: family,
            inputSide: inputSide,
            patchSide: try reader.size("patch_size", default: family == .dinov2 ? 14 : family == .clip ? 32 : 16),
            blocks: ModelDescription.Blocks(
                width: width,
                depth: try reader.size("num_hidden_layers", default: isSiglip ? 12 : nil),
                headCount: try reader.size("num_attention_heads", default: isSiglip ? 12 : nil),
                mlpWidth: mlpWidth,
                layerNormEpsilon: try reader.number("layer_norm_eps") ?? family.layerNormEpsilon
            ),
            registerCount: family == .dinov2 ? try reader.size("num_register_tokens", default: 4) : nil,
            mean: mean,
            deviation: deviation
        )
    }
}

/// A `config.json` or `preprocessor_config.json` of the Hugging Face libraries.
struct HubConfiguration {
    let path: String
    let values: SettingValue

    /// A whole number of 0 or more, with a default where the library has one.
    func size(_ member: String, default fallback: Int? = nil) throws(ConversionError) -> Int {
        guard let value = values.given(member) else {
            guard let fallback else { throw .memberMissing(path: path, member: member) }
            return fallback
        }
        guard case .integer(let number) = value, (0...1_000_000).contains(number) else {
            throw .memberInvalid(path: path, member: member, found: value.spelled, allowed: "a whole number")
        }
        return number
    }

    func number(_ member: String) throws(ConversionError) -> Double? {
        guard let value = values.given(member) else { return nil }
        switch value {
        case .integer, .number: return value.double
        case .null, .bool, .text, .list, .map:
            throw .memberInvalid(path: path, member: member, found: value.spelled, allowed: "a number")
        }
    }

    /// Three numbers, one a colour.
    func colours(_ member: String) throws(ConversionError) -> [Double]? {
        guard let value = values.given(member) else { return nil }
        guard case .list(let elements) = value, elements.count == 3 else {
            throw .memberInvalid(path: path, member: member, found: value.spelled, allowed: "three numbers")
        }
        let numbers = elements.compactMap(\.double)
        guard numbers.count == 3 else {
            throw .memberInvalid(path: path, member: member, found: value.spelled, allowed: "three numbers")
        }
        return numbers
    }
}
