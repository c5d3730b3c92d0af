// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import CheckpointConversion
import Fixtures
import Foundation
import TensorFiles
import Testing

/// A copy of a golden source that a test may change.
struct SourceCopy {
    let scratch: ScratchFolder
    let path: String
    var target: String { scratch.path + "/out/model" }

    init(_ golden: String = "mae") throws {
        scratch = try ScratchFolder()
        path = scratch.path + "/source"
        try FileManager.default.copyItem(atPath: Fixtures.path("golden/\(golden)"), toPath: path)
    }

    func replace(_ file: String, _ old: String, _ new: String) throws {
        let text = try String(contentsOfFile: path + "/" + file, encoding: .utf8)
        try #require(text.contains(old), "\(old)")
        try write(file, Array(text.replacing(old, with: new).utf8))
    }

    func write(_ file: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(filePath: path + "/" + file))
    }

    func remove(_ file: String) throws {
        try FileManager.default.removeItem(atPath: path + "/" + file)
    }

    /// The checkpoint's tensors, as float32.
    func tensors(_ file: String = "checkpoint.safetensors") throws -> [OutgoingTensor] {
        let source = try SafetensorsFile(path: path + "/" + file)
        return try source.index.entries.values.sorted { $0.name < $1.name }.map { entry in
            OutgoingTensor(
                name: entry.name,
                shape: entry.shape,
                dtype: .float32,
                values: try source.floats(entry.name, shape: entry.shape)
            )
        }
    }

    /// Writes the checkpoint anew after a change to each tensor; nil leaves one out.
    func change(_ change: (OutgoingTensor) -> OutgoingTensor?) throws {
        try write("checkpoint.safetensors", writeSafetensors(try tensors().compactMap(change)))
    }

    @discardableResult
    func convert(_ adjust: (inout ConversionRequest) -> Void = { _ in }) throws -> ConversionReport {
        var request = ConversionRequest(source: path)
        adjust(&request)
        return try convertCheckpoint(request, to: target)
    }

    /// What a refused conversion says; nothing may be left behind.
    func failure(
        _ adjust: (inout ConversionRequest) -> Void = { _ in },
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> String {
        var text = "converted"
        do {
            try convert(adjust)
        } catch {
            text = "\(error)"
        }
        let left = (try? FileManager.default.contentsOfDirectory(atPath: scratch.path + "/out")) ?? []
        #expect(left == [], sourceLocation: sourceLocation)
        return text.replacing(scratch.path, with: "")
    }
}

extension OutgoingTensor {
    fileprivate func renamed(_ name: String) -> OutgoingTensor {
        OutgoingTensor(name: name, shape: shape, dtype: dtype, values: values)
    }
}

/// What the converter takes, what it refuses, and that it leaves nothing behind.
@Suite struct ConversionTests {
    // MARK: Taken

    @Test func theReportSaysWhatWasUnderstood() throws {
        let source = try SourceCopy()
        let report = try source.convert { $0.name = "mine" }
        let lines = Dictionary(uniqueKeysWithValues: report.lines.map { ($0.label, $0.value) })
        #expect(lines["edition"] == "2026 (DCT), stage1.UAE")
        #expect(lines["encoder"] == "mae, width 48, depth 3")
        #expect(lines["latent"] == "48 x 16 x 16")
        #expect(lines["frequency"] == "DCT, low 64, reorder_1d, zigzag")
        #expect(lines["statistics"] == "mean and variance, eps 1e-05")
        let model = try AutoencoderModel(directory: source.target)
        #expect(lines["sha256"] == model.weightsSHA256)
        #expect(model.configuration.name == "mine")
        #expect(model.configuration.revision == String(model.weightsSHA256.prefix(12)))
        #expect(report.notes.isEmpty)
    }

    /// The digest of the weights, which names and prefixes do not change.
    private func digest(_ source: SourceCopy, _ adjust: (inout ConversionRequest) -> Void = { _ in }) throws -> String {
        let report = try source.convert(adjust)
        return try #require(report.lines.first { $0.label == "sha256" }).value
    }

    @Test(arguments: ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "module.module."])
    func prefixesOfWrappersAreRemoved(prefix: String) throws {
        let plain = try digest(try SourceCopy())
        let source = try SourceCopy()
        try source.change { $0.renamed(prefix + $0.name) }
        #expect(try digest(source) == plain)
        // torch.compile of a part alone.
        let inner = try SourceCopy()
        try inner.change { $0.renamed($0.name.replacing("decoder.", with: "decoder._orig_mod.")) }
        #expect(try digest(inner) == plain)
    }

    @Test func anUnknownEncoderNameIsTakenFromItsFolder() throws {
        let plain = try digest(try SourceCopy())
        let source = try SourceCopy()
        try source.replace("config.yaml", "model_name: encoder", "model_name: nobody/nothing")
        #expect(try digest(source) == plain)
    }

    @Test func unusedTensorsAreLeftOut() throws {
        let plain = try digest(try SourceCopy())
        let source = try SourceCopy()
        let extra = OutgoingTensor(
            name: "encoder.model.embeddings.mask_token",
            shape: [2],
            dtype: .uint8,
            values: [1, 2]
        )
        try source.write("checkpoint.safetensors", writeSafetensors(try source.tensors() + [extra]))
        #expect(try digest(source) == plain)
    }

    @Test func halfTypesStayAndFloat64BecomesFloat32() throws {
        let source = try SourceCopy()
        try source.change { tensor in
            OutgoingTensor(
                name: tensor.name,
                shape: tensor.shape,
                dtype: tensor.name.hasPrefix("decoder") ? .bfloat16 : .float16,
                values: tensor.values
            )
        }
        try source.convert()
        let index = try SafetensorsFile(path: source.target + "/model.safetensors").index
        #expect(Set(index.entries.values.map(\.dtypeCode)) == ["F16", "BF16"])

        // float64 has no writer here: the header and the data of one tensor by hand.
        let wide = try SourceCopy()
        let tensors = try wide.tensors()
        var header: [String] = []
        var data: [UInt8] = []
        for tensor in tensors {
            let start = data.count
            for value in tensor.values {
                withUnsafeBytes(of: Double(value).bitPattern.littleEndian) { data += $0 }
            }
            let entry = "{\"dtype\":\"F64\",\"shape\":\(tensor.shape),\"data_offsets\":[\(start),\(data.count)]}"
            header.append("\"\(tensor.name)\":\(entry)")
        }
        let text = Array("{\(header.joined(separator: ","))}".utf8)
        let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { [UInt8]($0) }
        try wide.write("checkpoint.safetensors", length + text + data)
        #expect(try digest(wide) == digest(try SourceCopy()))
    }

    @Test func aShardedCheckpointIsTheSameModel() throws {
        let source = try SourceCopy()
        let tensors = try source.tensors()
        let half = tensors.count / 2
        try source.write("a.safetensors", writeSafetensors(Array(tensors[..<half])))
        try source.write("b.safetensors", writeSafetensors(Array(tensors[half...])))
        let places = tensors.enumerated().map { "\"\($1.name)\": \"\($0 < half ? "a" : "b").safetensors\"" }
        try source.write(
            "model.safetensors.index.json",
            Array("{\"weight_map\": {\(places.joined(separator: ","))}}".utf8)
        )
        try source.replace("config.yaml", "checkpoint.safetensors", "model.safetensors.index.json")
        #expect(try digest(source) == digest(try SourceCopy()))
    }

    @Test func aCheckpointWithItsConfigurationApartReplacesTheNamedOne() throws {
        let source = try SourceCopy("first-edition/k2")
        try source.replace("config.yaml", "ckpt: final.pt", "ckpt: nowhere.pt")
        let report = try source.convert { request in
            request.source = source.path + "/final.pt"
            request.configuration = source.path + "/config.yaml"
        }
        #expect(report.lines.contains { $0.label == "checkpoint" && $0.value.hasSuffix("final.pt (its 'model')") })
        let again = try SourceCopy("first-edition/k2")
        try again.replace("config.yaml", "ckpt: final.pt", "unused: 1")
        try again.convert { $0.checkpoint = again.path + "/final.pt" }
    }

    @Test func publishedNamesNeedNoConfigurationFiles() throws {
        // The sizes are the published ones, so that a small checkpoint does not fit them: the error shows which.
        let source = try SourceCopy("dinov2")
        try source.replace("config.yaml", "'encoder'", "'facebook/dinov2-with-registers-base'")
        try source.replace("config.yaml", "normalization_stat_path", "unused")
        let text = source.failure { $0.checkpoint = source.path + "/model/model.safetensors" }
        #expect(text.contains("has the shape [96, 3, 14, 14], the configuration asks for [768, 3, 14, 14]"), "\(text)")
        let decoder = try SourceCopy("dinov2")
        try decoder.replace("config.yaml", "'decoder'", "'unified_ae/configs/decoder/ViTB'")
        try decoder.replace("config.yaml", "normalization_stat_path", "unused")
        let other = decoder.failure { $0.checkpoint = "model/model.safetensors" }
        #expect(other.contains("the configuration asks for [768, 96]. The decoder's configuration was not"), "\(other)")
    }

    @Test func nestedTrainingStagesAreRead() throws {
        let source = try SourceCopy("first-edition/k2")
        let text = try String(contentsOfFile: source.path + "/config.yaml", encoding: .utf8)
        let nested = text.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n")
        try source.write("config.yaml", Array("stages:\n  sub_stage1: {}\n  sub_stage4:\n\(nested)\n".utf8))
        try source.convert()
    }

    @Test func changingBandNumbersUseTheConfiguredSet() throws {
        let source = try SourceCopy("first-edition/k4")
        let plain = try digest(try SourceCopy("first-edition/k4"))
        try source.replace(
            "config.yaml",
            "residual_projector: fft",
            "residual_projector: fft\n      dynamic_schedule: {enabled: true}"
        )
        var tensors: [OutgoingTensor] = []
        for tensor in try source.tensors() {
            let name = tensor.name
            if name.hasPrefix("freq_modulator.denoiser.") {
                tensors.append(tensor.renamed(name.replacing("denoiser.", with: "dynamic_denoisers.4.")))
            } else if name.hasPrefix("freq_modulator.band_transform.") {
                tensors.append(tensor.renamed(name.replacing("band_transform.", with: "dynamic_transforms.4.")))
                // Stored too, and not used.
                tensors.append(
                    OutgoingTensor(
                        name: name,
                        shape: tensor.shape,
                        dtype: .float32,
                        values: tensor.values.map { $0 + 1 }
                    )
                )
            } else {
                tensors.append(tensor)
            }
        }
        try source.write("checkpoint.safetensors", writeSafetensors(tensors))
        #expect(try digest(source) == plain)
    }

    @Test func aProbeAndLabelsGoIntoTheFolder() throws {
        let source = try SourceCopy()
        let probe = writeSafetensors([
            OutgoingTensor(
                name: "weight",
                shape: [2, 48],
                dtype: .float32,
                values: [Float](repeating: 0.1, count: 96)
            ),
            OutgoingTensor(name: "bias", shape: [2], dtype: .float32, values: [0, 1]),
        ])
        let head = try source.scratch.file("head.safetensors", probe)
        let labels = try source.scratch.file("labels.txt", Array("cat\ndog\n".utf8))
        try source.convert {
            $0.head = head
            $0.labels = labels
        }
        let model = try AutoencoderModel(directory: source.target)
        #expect(model.classCount == 2)
        #expect(model.labels == ["cat", "dog"])
        let narrow = try source.scratch.file(
            "narrow.safetensors",
            writeSafetensors([
                OutgoingTensor(name: "weight", shape: [2, 3], dtype: .float32, values: [0, 0, 0, 0, 0, 0])
            ])
        )
        let other = try SourceCopy()
        #expect(other.failure { $0.head = narrow }.contains("has the shape [2, 3], must be [classes, 48]"))
        #expect(other.failure { $0.head = "/nowhere" }.contains("No such file"))
    }

    @Test func whatIsMissingInRAEsDecoderIsFilledInAsItsCodeDoes() throws {
        // MAE's golden decoder lacks its position table and class token; parity is tested with the golden models.
        let source = try SourceCopy("rae")
        let report = try source.convert { $0.source = source.path + "/configs/stage1/pretrained/MAE.yaml" }
        #expect(report.lines.contains { $0.label == "decoder weights" })
        try source.remove("facebook/vit-mae-base/pytorch_model.bin")
        let other = source.path + "/configs/stage1/pretrained/MAE.yaml"
        #expect(throws: ConversionError.self) {
            try convertCheckpoint(ConversionRequest(source: other), to: source.scratch.path + "/other")
        }
    }

    @Test func aRAEsDecoderMayBeGivenByItself() throws {
        let source = try SourceCopy("rae")
        let yaml = source.path + "/configs/stage1/pretrained/MAE.yaml"
        let own = source.path + "/models/decoders/mae/base_p16/ViTXL_n08/model.pt"
        try FileManager.default.moveItem(atPath: own, toPath: source.path + "/tuned.pt")
        let report = try source.convert {
            $0.configuration = yaml
            $0.checkpoint = "tuned.pt"
        }
        #expect(report.lines.contains { $0.label == "decoder weights" && $0.value.hasSuffix("/tuned.pt") })

        let other = try SourceCopy("rae")
        let foreign = "models/decoders/dinov2/wReg_base/ViTXL_n08/model.pt"
        let text = other.failure {
            $0.configuration = "configs/stage1/pretrained/MAE.yaml"
            $0.checkpoint = foreign
        }
        #expect(text.contains("\(foreign): the tensor decoder.decoder_embed.weight has the shape [48, 48]"), "\(text)")
        for file in ["models/stats/mae/base_p16/ImageNet1k/stat.pt", "facebook/vit-mae-base/pytorch_model.bin"] {
            let text = other.failure {
                $0.configuration = "configs/stage1/pretrained/MAE.yaml"
                $0.checkpoint = file
            }
            #expect(text.hasSuffix("holds neither a whole model nor a RAE's decoder."), "\(text)")
        }
    }

    @Test func aWholeModelOfRAEsTrainingIsReadAsItsCodeDoes() throws {
        // MAE's encoder and decoder under one roof, as the 2026 edition's golden model has them.
        let source = try SourceCopy()
        let plain = try digest(try SourceCopy())
        try source.replace("config.yaml", "target: stage1.UAE", "target: stage1.RAE")
        #expect(try digest(source) == plain)
        let model = try AutoencoderModel(directory: source.target)
        #expect(model.configuration.frequency.transform == .none)
        #expect(model.configuration.name == "model")
    }

    @Test func countsOutsideTheGridAreNoted() throws {
        let source = try SourceCopy()
        try source.replace("config.yaml", "count: 64", "count: 600")
        let report = try source.convert()
        #expect(report.notes == ["band_split.count is 600; as in the authors' code it counts as 256."])
    }

    // MARK: Refused

    /// A change to the golden MAE source, and a part of what must be said.
    struct Refusal: Sendable, CustomTestStringConvertible {
        var file = "config.yaml"
        var old: String
        var new: String
        var says: String

        var testDescription: String { says }
    }

    static let refusals = [
        Refusal(
            old: "target: stage1.UAE",
            new: "target: stage9.UAE",
            says: "stage_1.target is 'stage9.UAE', must be one of"
        ),
        Refusal(old: "target: stage1.UAE", new: "other: 1", says: "stage_1.target is missing"),
        Refusal(old: "stage_1:", new: "stage_2:", says: "config.yaml: stage_1 is missing"),
        Refusal(old: "  params:", new: "  parameters:", says: "stage_1.params is missing"),
        Refusal(
            old: "encoder_cls: MAEwNorm",
            new: "encoder_cls: ViT",
            says: "encoder_cls is 'ViT', must be one of CLIPwNorm"
        ),
        Refusal(old: "encoder_cls: MAEwNorm", new: "a: b", says: "encoder_cls is missing"),
        Refusal(
            old: "encoder_cls: MAEwNorm",
            new: "encoder_cls: Dinov2wNorm",
            says: "encoder_cls is 'Dinov2wNorm'"
        ),
        Refusal(
            old: "ckpt: checkpoint",
            new: "ckpt: nowhere/else",
            says: "ckpt names 'nowhere/else.safetensors', and no such"
        ),
        Refusal(old: "ckpt: checkpoint.safetensors", new: "a: b", says: "stage_1.ckpt is missing. Give the checkpoint"),
        Refusal(
            old: "normalization_stat_path: norm",
            new: "normalization_stat_path: x/norm_",
            says: "normalization_stat_path names"
        ),
        Refusal(
            old: "encoder_input_size: 256",
            new: "encoder_input_size: 250",
            says: "250, which is not a multiple of"
        ),
        Refusal(
            old: "encoder_input_size: 256",
            new: "encoder_input_size: many",
            says: "encoder_input_size is 'many', must be"
        ),
        Refusal(old: "mode: low", new: "mode: middle", says: "Unsupported band_split.mode 'middle'"),
        Refusal(old: "decoder_config_path: decoder", new: "a: b", says: "decoder_config_path is missing"),
        Refusal(
            old: "decoder_config_path: decoder",
            new: "decoder_config_path: ViTXXL",
            says: "names 'ViTXXL', where no"
        ),
        Refusal(
            old: "decoder_config_path: decoder",
            new: "decoder_config_path: ViTL",
            says: "the configuration asks for [1024, 48]"
        ),
        Refusal(old: "stage_1:", new: "stage_1: [", says: "is not a YAML configuration"),
        Refusal(
            file: "encoder/config.json",
            old: "\"hidden_size\": 48",
            new: "\"hidden_size\": 64",
            says: "'mean' has the shape [48, 16, 16], must be [64, 16, 16]"
        ),
        Refusal(
            file: "encoder/config.json",
            old: "\"hidden_size\": 48",
            new: "\"hidden_size\": \"x\"",
            says: "hidden_size is 'x'"
        ),
        Refusal(file: "encoder/config.json", old: "\"hidden_size\": 48,", new: "", says: "hidden_size is missing"),
        Refusal(
            file: "encoder/config.json",
            old: "\"gelu\"",
            new: "\"relu\"",
            says: "hidden_act is 'relu', must be gelu"
        ),
        Refusal(file: "encoder/config.json", old: "{", new: "{{", says: "is not JSON: unexpected { at byte 1"),
        Refusal(
            file: "encoder/config.json",
            old: "\"num_attention_heads\": 4",
            new: "\"num_attention_heads\": 5",
            says: "The model cannot be described: encoder.head_count is 5, which does not divide the width 48."
        ),
        Refusal(
            file: "encoder/preprocessor_config.json",
            old: "\"image_mean\": [",
            new: "\"image_mean\": [1,",
            says: "image_mean is 'a list', must be three numbers"
        ),
        Refusal(
            file: "decoder/config.json",
            old: "\"decoder_hidden_size\": 48,",
            new: "",
            says: "decoder_hidden_size is missing"
        ),
    ]

    @Test(arguments: refusals)
    func wrongConfigurationsAreRefusedWithTheirReason(_ refusal: Refusal) throws {
        let source = try SourceCopy()
        try source.replace(refusal.file, refusal.old, refusal.new)
        let text = source.failure()
        #expect(text.contains(refusal.says), "\(text)")
    }

    @Test(arguments: [
        ("dinov2", "normalize: true", "normalize: false", "encoder_params.normalize is 'False'"),
        ("first-edition/k4", "encoder_cls: Dinov2withNorm", "encoder_cls: CLIPwNorm", "encoder_cls is 'CLIPwNorm'"),
        ("first-edition/k4", "reshape_to_2d: true", "reshape_to_2d: false", "reshape_to_2d is false"),
        ("first-edition/k4", "quant_resi", "quant_rest", "unexpected member 'quant_rest'"),
        ("first-edition/k4", "residual_projector: fft", "residual_projector: learned_conv", "'learned_conv' cannot"),
        ("first-edition/k4", "frequency_config:", "other:", "without frequency_config cannot decode"),
        ("first-edition/k4", "- 16.0", "- 16.0\n      - 20.0", "asks for [5, 5]"),
        ("sizes/clip-336", "encoder_input_size: 336", "encoder_input_size: 224", "the encoder's image_size is 336"),
        ("first-edition/k4", "unified_ae.UnifiedUAE", "stage1.UAE", "so it is a checkpoint of the first edition"),
    ])
    func otherEditionsAreRefusedWithTheirReason(golden: String, old: String, new: String, says: String) throws {
        let source = try SourceCopy(golden)
        try source.replace("config.yaml", old, new)
        let text = source.failure {
            if golden == "dinov2" { $0.checkpoint = source.path + "/model/model.safetensors" }
        }
        #expect(text.contains(says), "\(text)")
    }

    @Test(arguments: [
        ("encoder/config.json", "\"use_swiglu_ffn\": false", "\"use_swiglu_ffn\": true", "use_swiglu_ffn is 'True'"),
        (
            "encoder/config.json", "\"num_register_tokens\": 4", "\"num_register_tokens\": 0",
            "num_register_tokens is '0'"
        ),
    ])
    func otherDINOv2sAreRefused(file: String, old: String, new: String, says: String) throws {
        let source = try SourceCopy("first-edition/k4")
        try source.replace(file, old, new)
        #expect(source.failure().contains(says))
    }

    @Test(arguments: [
        (
            "\"encoder_hidden_size\": 128", "\"encoder_hidden_size\": 1000000",
            "channels is 1000000, must be within 1...8192"
        ),
        (
            "\"encoder_patch_size\": 14", "\"encoder_patch_size\": 0",
            "which is not a multiple of the encoder's patch side 0"
        ),
        ("\"encoder_input_size\": 224", "\"encoder_input_size\": 938000", "grid_side is 67000, must be within 1...64"),
        ("\"decoder_hidden_size\": 48", "\"decoder_hidden_size\": 1000000", "decoder.transformer.width is 1000000"),
        ("\"patch_size\": 16", "\"patch_size\": 0", "image_side is 0, must be within 11...1024"),
        ("\"encoder_num_hidden_layers\": 1", "\"encoder_num_hidden_layers\": 999999", "encoder.depth is 999999"),
        (
            "\"encoder_type\": \"dinov2\"", "\"encoder_type\": \"dinov3\"",
            "encoder_type is 'dinov3', must be dinov2, siglip2"
        ),
        (
            "\"scaling_factor\": 1.0", "\"scaling_factor\": 0",
            "scaling_factor is '0.0', must be a number from 1e-6 to 1e6"
        ),
    ])
    func sizesThatNoModelHasAreRefused(old: String, new: String, says: String) throws {
        let source = try SourceCopy("diffusers-rae-tf5")
        try source.replace("config.json", old, new)
        let text = source.failure()
        #expect(text.contains(says), "\(text)")
    }

    @Test(arguments: [
        ([1], Float(0.25), Float(0.5)), ([128, 1, 1], -1, 2), ([16], 3, 0.002), ([128, 16, 16], 0, 1),
    ])
    func diffusersNormalisesWithWhateverBroadcasts(shape: [Int], mean: Float, deviation: Float) throws {
        let source = try SourceCopy("diffusers-rae-tf5")
        let file = "diffusion_pytorch_model.safetensors"
        let tensors = try source.tensors(file).map { tensor -> OutgoingTensor in
            guard tensor.name.hasPrefix("_latents") else { return tensor }
            let value = tensor.name == "_latents_mean" ? mean : deviation
            let values = [Float](repeating: value, count: shape.reduce(1, *))
            return OutgoingTensor(name: tensor.name, shape: shape, dtype: .float32, values: values)
        }
        try source.write(file, writeSafetensors(tensors))
        try source.convert()
        let made = try #require(try AutoencoderModel(directory: source.target).statistics)
        #expect(made.epsilon == 0)
        #expect(made.mean.allSatisfy { $0 == mean })
        #expect(made.variance.allSatisfy { abs($0.squareRoot() / (deviation + 1e-5) - 1) < 1e-6 })

        // Without statistics the library still divides by 1 + 1e-5.
        try source.write(file, writeSafetensors(tensors.filter { !$0.name.hasPrefix("_latents") }))
        try FileManager.default.removeItem(atPath: source.target)
        try source.convert()
        let none = try #require(try AutoencoderModel(directory: source.target).statistics)
        #expect(none.variance.allSatisfy { abs($0.squareRoot() - 1.00001) < 1e-6 })
    }

    @Test func diffusersDeviationsBelowZeroAreRefused() throws {
        let source = try SourceCopy("diffusers-rae-tf5")
        let file = "diffusion_pytorch_model.safetensors"
        let tensors = try source.tensors(file).map { tensor -> OutgoingTensor in
            guard tensor.name == "_latents_std" else { return tensor }
            return OutgoingTensor(name: tensor.name, shape: [1], dtype: .float32, values: [-0.5])
        }
        try source.write(file, writeSafetensors(tensors))
        #expect(source.failure().contains("'_latents_std' holds -0.5 at 0, which no latent has"))
        try source.replace("config.json", "\"image_size\": null", "\"image_size\": 100")
        #expect(source.failure().contains("image_size is '100', must be 256"))
    }

    @Test func theScalingFactorMultipliesNormalisedLatents() throws {
        let plain = try SourceCopy("diffusers-rae-tf5")
        try plain.convert()
        let scaled = try SourceCopy("diffusers-rae-tf5")
        try scaled.replace("config.json", "\"scaling_factor\": 1.0", "\"scaling_factor\": 2.0")
        try scaled.convert()
        let one = try #require(try AutoencoderModel(directory: plain.target).statistics)
        let two = try #require(try AutoencoderModel(directory: scaled.target).statistics)
        #expect(one.mean == two.mean)
        for (first, second) in zip(one.variance, two.variance) { #expect(abs(first / second - 4) < 1e-5) }
    }

    @Test func aTensorThatIsMissingOrWrongIsNamed() throws {
        let name = "encoder.model.encoder.layer.1.layernorm_before.bias"
        let missing = try SourceCopy()
        try missing.change { $0.name == name || $0.name.hasPrefix("decoder.decoder_norm") ? nil : $0 }
        #expect(missing.failure().contains("the tensor \(name) is missing, and 2 more. Does the configuration"))

        let shaped = try SourceCopy()
        try shaped.change { tensor in
            tensor.name == name
                ? OutgoingTensor(name: name, shape: [1, 48], dtype: .float32, values: tensor.values) : tensor
        }
        #expect(shaped.failure().contains("\(name) has the shape [1, 48], the configuration asks for [48]"))

        let typed = try SourceCopy()
        try typed.change { tensor in
            tensor.name == name
                ? OutgoingTensor(name: name, shape: [48], dtype: .uint8, values: tensor.values.map { _ in 1 }) : tensor
        }
        #expect(typed.failure().contains("\(name) has the type uint8; weights are floating-point"))

        for (value, spelled) in [(Float.nan, "nan"), (.infinity, "inf"), (-.infinity, "-inf")] {
            let broken = try SourceCopy()
            try broken.change { tensor in
                guard tensor.name == name else { return tensor }
                var values = tensor.values
                values[7] = value
                return OutgoingTensor(name: name, shape: [48], dtype: .float32, values: values)
            }
            #expect(broken.failure().contains("\(name) holds \(spelled) at 7"))
        }
        let table = try SourceCopy()
        try table.change { tensor in
            tensor.name == "decoder.decoder_pos_embed"
                ? OutgoingTensor(name: tensor.name, shape: [1, 2, 3], dtype: .float32, values: [0, 0, 0, 0, 0, 0])
                : tensor
        }
        // One place is a square grid; its width then is wrong.
        #expect(
            table.failure().contains("decoder_pos_embed has the shape [1, 2, 3], the configuration asks for [1, 2, 48]")
        )
        let skewed = try SourceCopy()
        try skewed.change { tensor in
            tensor.name == "encoder.model.embeddings.position_embeddings"
                ? OutgoingTensor(name: tensor.name, shape: [1, 3, 1], dtype: .float32, values: [0, 0, 0]) : tensor
        }
        #expect(skewed.failure().contains("[1, 3, 1], which is not a table for a square grid"))
    }

    @Test func sourcesThatSayTooLittleOrTooMuchAreRefused() throws {
        let source = try SourceCopy()
        let checkpoint = source.path + "/checkpoint.safetensors"
        #expect(source.failure { $0.source = "/nowhere" } == "/nowhere: there is no such file or folder.")
        #expect(source.failure { $0.source = checkpoint }.contains("which does not say what model it is"))
        #expect(source.failure { $0.checkpoint = "/nowhere" } == "/nowhere: there is no such file or folder.")
        #expect(
            source.failure { $0.configuration = "nowhere.yaml" } == "nowhere.yaml: there is no such file or folder."
        )
        #expect(source.failure { $0.checkpoint = source.path } == "/source is not a file.")
        try source.convert()
        let converted = source.target
        let again = try SourceCopy()
        let text = again.failure { $0.source = converted }
        #expect(text.contains("is a model folder already; serve it with: uae serve"))
        try FileManager.default.removeItem(atPath: source.scratch.path + "/out")
        for (bytes, says) in [
            ("version https://git-lfs.github.com/spec/v1", "is a Git LFS pointer, not a configuration"),
            ("<!doctype html>", "is a web page, not a configuration"),
        ] {
            try source.write("other.yaml", Array(bytes.utf8))
            #expect(source.failure { $0.configuration = "other.yaml" }.contains(says))
        }
        try source.remove("other.yaml")
        let bare = source.failure { $0.source = source.path + "/encoder" }
        #expect(bare.contains("has no config.yaml. Give the model's configuration with --config FILE."))
        let above = source.failure { $0.source = source.scratch.path }
        #expect(above.contains("it has source/config.yaml"), "\(above)")
        let twice = source.failure {
            $0.source = checkpoint
            $0.checkpoint = checkpoint
        }
        #expect(twice.hasPrefix("--checkpoint means nothing beside"))
        let yaml = source.failure {
            $0.source = source.path + "/config.yaml"
            $0.configuration = source.path + "/config.yaml"
        }
        #expect(yaml.hasPrefix("--config means nothing beside"))
        let diffusers = source.failure {
            $0.source = Fixtures.path("golden/diffusers-rae-tf5")
            $0.checkpoint = checkpoint
        }
        #expect(diffusers.hasPrefix("--checkpoint means nothing beside"))
    }

    @Test func theTrainingYAMLWithoutItsResultsNamesThePath() throws {
        let source = try SourceCopy("published-tree")
        let text = source.failure { $0.configuration = "configs/stage1/dinov2/stage2.yaml" }
        #expect(text.contains("'results/dinov2/stage1/dinov2_stage_1/checkpoints/ep-last.pt', and no such file"))
    }

    @Test func anAveragedModelIsWantedWhereTheAuthorsWantIt() throws {
        // The first edition's file has both; its other members must not be taken for the 2026 edition's weights.
        let source = try SourceCopy("first-edition/k2")
        let report = try source.convert()
        #expect(report.lines.contains { $0.label == "checkpoint" && $0.value.hasSuffix("(its 'model')") })
    }

    @Test func hostileCheckpointsLeaveASentenceAndNothingElse() throws {
        let source = try SourceCopy("first-edition/k2")
        let marker = source.scratch.path + "/ran"
        let call = PickleBuilder().global("os", "system").text("touch \(marker)").raw([0x85]).opcodes("R")
        let bomb = ZipBuilder.Entry("a/data.pkl", [1, 2, 3]).with {
            $0.method = 8
            $0.originalSize = 1 << 40
        }
        let whole = try Data(contentsOf: URL(filePath: source.path + "/final.pt"))
        let cases: [(bytes: [UInt8], says: String)] = [
            (torchArchive(call), "names os.system, which is not a part of a plain checkpoint, and nothing was run"),
            (ZipBuilder(entries: [bomb]).build().bytes, "torch.save stores"),
            (Array(whole.dropLast(whole.count / 3)), "ends early"),
            (Array("version https://git-lfs.github.com/spec/v1\noid sha256:0\n".utf8), "is a Git LFS pointer"),
            (Array("<!DOCTYPE html><html>Sign in</html>".utf8), "is a web page"),
            ([], "is empty"),
            (torchArchive(PickleBuilder().opcodes("}").text("model").opcodes("Ns")), "its 'model' holds no tensors"),
            (torchArchive(PickleBuilder().opcodes("]")), "the file itself holds no tensors"),
        ]
        for (bytes, says) in cases {
            try source.write("final.pt", bytes)
            let text = source.failure()
            #expect(text.contains(says), "\(text)")
            let lines = text.split(whereSeparator: \.isNewline).count
            #expect(lines == 1)
        }
        #expect(!FileManager.default.fileExists(atPath: marker))
    }

    /// A chain of aliases, each many brackets deep, as no parser's own limit on brackets stops it.
    private static let aliasChain = (0..<20).map { link in
        let (open, close) = (String(repeating: "[", count: 900), String(repeating: "]", count: 900))
        return "x\(link): &x\(link) \(open)\(link == 0 ? "1" : "*x\(link - 1)")\(close)"
    }.joined(separator: "\n")

    @Test(arguments: [
        (aliasChain, "uses the YAML alias '*x0'; write the values out"),
        ("a: &b {enabled: true}\nstage_1: {<<: *b}", "uses the YAML alias '*b'"),
        ("{\"a\":&b 1, *b: 2}", "uses the YAML alias '*b'"),
        ("a: " + String(repeating: "[", count: 80) + String(repeating: "]", count: 80), "nests them deeper than 64"),
        ("a: " + String(repeating: "[", count: 100_000), "is not a YAML configuration"),
        ("stage_1: {target: stage1.UAE, params: {encoder_cls: '${oc.env:HOME}'}}", "${...} is not resolved"),
        ("stage_1: {target: \"\\e[31m\\nred\", params: {}}", "stage_1.target is '\\u{1B}[31m\\nred', must be"),
        ("stage_1: {target: \(String(repeating: "x", count: 100_000)), params: {}}", "xxx...', must be one of"),
        (
            "stage_1: {target: stage1.UAE, ckpt: checkpoint.safetensors, params: {encoder_cls: [1]}}",
            "encoder_cls is 'a list', must be a text"
        ),
    ])
    func hostileConfigurationsAreOneLine(yaml: String, says: String) throws {
        let source = try SourceCopy()
        try source.write("config.yaml", Array(yaml.utf8))
        let text = source.failure()
        #expect(text.contains(says), "\(text.prefix(500))")
        let lines = text.split(whereSeparator: \.isNewline).count
        #expect(lines == 1)
        #expect(text.count < 2100)
    }

    @Test(arguments: [
        ("config.yaml", "normalization_stat_path: normalization_stats.safetensors", "normalization_stat_path: true"),
        ("config.yaml", "decoder_config_path: decoder", "decoder_config_path: 5"),
        ("config.yaml", "model_name: encoder", "model_name: [encoder]"),
        ("encoder/config.json", "\"layer_norm_eps\": 1e-12", "\"layer_norm_eps\": \"x\""),
        ("encoder/config.json", "\"hidden_act\": \"gelu\"", "\"hidden_act\": 5"),
        ("decoder/config.json", "\"layer_norm_eps\": 1e-12", "\"layer_norm_eps\": true"),
    ])
    func valuesOfAnotherTypeAreNotTakenForDefaults(file: String, old: String, new: String) throws {
        let source = try SourceCopy()
        try source.replace(file, old, new)
        let text = source.failure()
        #expect(text.contains("must be"), "\(text)")
    }

    @Test func twoTensorsOfOneNameAreRefused() throws {
        let source = try SourceCopy()
        let tensors = try source.tensors()
        let twin = tensors[0].renamed("_orig_mod." + tensors[0].name)
        try source.write("checkpoint.safetensors", writeSafetensors(tensors + [twin]))
        #expect(source.failure().hasSuffix("two tensors are called \(tensors[0].name) without their prefixes."))
    }

    @Test func aGridThatTheDecoderDoesNotHaveIsNoted() throws {
        let source = try SourceCopy()
        try source.replace("config.yaml", "encoder_input_size: 256", "encoder_input_size: 512")
        try source.replace("config.yaml", "normalization_stat_path", "unused")
        let notes = try source.convert().notes
        #expect(notes.first?.hasSuffix("Is encoder_input_size right?") == true, "\(notes)")
    }

    // MARK: Written as a whole

    @Test func anInterruptedConversionLeavesNothing() throws {
        let source = try SourceCopy()
        for calls in [0, 5, 108, 109, 150, 216, 217] {
            let counter = Counter()
            #expect(throws: ConversionError.self, "\(calls)") {
                try convertCheckpoint(
                    ConversionRequest(source: source.path),
                    to: source.scratch.path + "/deep/er/model",
                    isInterrupted: { counter.next() >= calls }
                )
            }
            #expect(!FileManager.default.fileExists(atPath: source.scratch.path + "/deep"))
        }
    }

    private final class Counter {
        private var count = -1

        func next() -> Int {
            count += 1
            return count
        }
    }

    @Test func foldersThatWereMadeForNothingAreRemoved() throws {
        let source = try SourceCopy()
        try source.change { $0.name.hasPrefix("decoder.decoder_norm") ? nil : $0 }
        #expect(throws: ConversionError.self) {
            try convertCheckpoint(ConversionRequest(source: source.path), to: source.scratch.path + "/a/b/c")
        }
        #expect(!FileManager.default.fileExists(atPath: source.scratch.path + "/a"))
    }

    @Test func filesAndLinksAreNotReplaced() throws {
        let source = try SourceCopy()
        let file = try source.scratch.file("there", [1])
        let link = source.scratch.path + "/link"
        try FileManager.default.createDirectory(
            atPath: source.scratch.path + "/empty",
            withIntermediateDirectories: true
        )
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "empty")
        for target in [file, link] {
            let error = #expect(throws: ConversionError.self) {
                try convertCheckpoint(ConversionRequest(source: source.path), to: target)
            }
            #expect(error?.exitCode == 73)
        }
    }

    @Test func nothingIsOverwritten() throws {
        let source = try SourceCopy()
        try source.convert()
        let before = try FileManager.default.contentsOfDirectory(atPath: source.target).sorted()
        #expect(before == ["config.json", "model.safetensors", "stats.safetensors"])
        #expect(throws: ConversionError.self) { try source.convert() }
        let error = "\(#expect(throws: ConversionError.self) { try source.convert() }, default: "none")"
        #expect(error.contains("is a file or a folder with something in it; nothing is overwritten"), "\(error)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: source.target).sorted() == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: source.scratch.path + "/out") == ["model"])
    }

    @Test func pathsMayHoldAnyCharacter() throws {
        let plain = try SourceCopy()
        let folder = plain.scratch.path + "/Ünïcode %20 folder, with #signs?"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.moveItem(atPath: plain.path, toPath: folder + "/a b")
        let target = folder + "/to/my model"
        _ = try convertCheckpoint(ConversionRequest(source: folder + "/a b"), to: target)
        #expect(try AutoencoderModel(directory: target).configuration.name == "my model")
    }

    @Test func anEmptyFolderIsFilled() throws {
        let source = try SourceCopy()
        try FileManager.default.createDirectory(atPath: source.target, withIntermediateDirectories: true)
        try source.convert()
        _ = try AutoencoderModel(directory: source.target)
    }

    @Test func aFolderThatCannotBeMadeIsSaid() throws {
        let source = try SourceCopy()
        let error = #expect(throws: ConversionError.self) {
            try convertCheckpoint(ConversionRequest(source: source.path), to: "/proc/none/model")
        }
        #expect("\(try #require(error))".hasPrefix("/proc/none"))
        #expect(try #require(error).exitCode == 73)
    }
}

/// The axes of statistics, edition by edition.
@Suite struct StatisticsConversionTests {
    private func tensor(_ name: String, _ shape: [Int], _ value: (Int) -> Float) -> OutgoingTensor {
        OutgoingTensor(name: name, shape: shape, dtype: .float32, values: (0..<shape.reduce(1, *)).map(value))
    }

    /// The statistics that a converted model has.
    private func converted(
        _ golden: String,
        _ tensors: [OutgoingTensor],
        _ edit: (SourceCopy) throws -> Void = { _ in }
    ) throws -> LatentStatistics? {
        let source = try SourceCopy(golden)
        try source.write("normalization_stats.safetensors", writeSafetensors(tensors))
        try edit(source)
        try source.convert()
        return try AutoencoderModel(directory: source.target).statistics
    }

    private func failure(_ golden: String, _ tensors: [OutgoingTensor]) throws -> String {
        let source = try SourceCopy(golden)
        try source.write("normalization_stats.safetensors", writeSafetensors(tensors))
        return source.failure()
    }

    @Test(arguments: [[48, 16, 16], [1, 48, 16, 16], [48, 1, 1], [1], [16], [16, 16], [1, 16, 1]])
    func the2026EditionBroadcastsFromTheRight(shape: [Int]) throws {
        let made = try #require(
            try converted("mae", [tensor("mean", shape) { Float($0 % 5) }, tensor("var", [1]) { _ in 4 }])
        )
        #expect(made.variance == [Float](repeating: 4, count: 48 * 256))
        let padded = [Int](repeating: 1, count: max(0, 3 - shape.count)) + shape.suffix(3)
        for place in [0, 17, 300, 48 * 256 - 1] {
            let index = [place / 256, place / 16 % 16, place % 16]
            var flat = 0
            for axis in 0..<3 { flat = flat * padded[axis] + (padded[axis] == 1 ? 0 : index[axis]) }
            #expect(made.mean[place] == Float(flat % 5), "\(place)")
        }
    }

    @Test func aMissingMeanIsZeroAndAMissingVarianceOne() throws {
        let mean = try #require(try converted("mae", [tensor("var", [1]) { _ in 4 }]))
        #expect(mean.mean == [Float](repeating: 0, count: 48 * 256))
        let variance = try #require(try converted("mae", [tensor("mean", [1]) { _ in 4 }]))
        #expect(variance.variance == [Float](repeating: 1, count: 48 * 256))
    }

    @Test(arguments: [[48], [48, 256], [2, 48, 16, 16], [16, 16, 48]])
    func the2026EditionRefusesOtherShapes(shape: [Int]) throws {
        let text = try failure("mae", [tensor("mean", shape) { _ in 0 }, tensor("var", [1]) { _ in 1 }])
        #expect(text.contains("'mean' has the shape \(shape), must be [48, 16, 16]"), "\(text)")
    }

    @Test(arguments: [[24], [256, 24], [16, 16, 24], [24, 16, 16], [1, 24, 16, 16]])
    func theFirstEditionTakesFiveShapes(shape: [Int]) throws {
        let made = try #require(
            try converted(
                "first-edition/k4",
                [tensor("mean", shape) { Float($0) }, tensor("var", [24]) { Float($0 + 1) }]
            )
        )
        let isChannelLast = shape.last == 24 && shape.count > 1
        for (channel, place) in [(0, 0), (3, 17), (23, 255)] {
            let wanted = shape == [24] ? channel : isChannelLast ? place * 24 + channel : channel * 256 + place
            #expect(made.mean[channel * 256 + place] == Float(wanted))
            #expect(made.variance[channel * 256 + place] == Float(channel + 1))
        }
    }

    @Test func theFirstEditionNeedsBothOrNeither() throws {
        #expect(try converted("first-edition/k4", [tensor("var", [24]) { _ in 4 }]) == nil)
        #expect(try converted("first-edition/k4", [tensor("mean", [24]) { _ in 4 }]) == nil)
        let text = try failure("first-edition/k4", [tensor("mean", [1]) { _ in 0 }, tensor("var", [24]) { _ in 1 }])
        #expect(text.contains("'mean' has the shape [1], must be [24], [256, 24]"), "\(text)")
    }

    @Test func tokensHaveTheirOwnAxes() throws {
        let tensors = [tensor("mean", [256, 48]) { Float($0) }, tensor("var", [48]) { Float($0 + 1) }]
        let made = try #require(
            try converted("mae", tensors) {
                try $0.replace("config.yaml", "reshape_to_2d: true", "reshape_to_2d: false")
            }
        )
        #expect(made.mean[5 * 256 + 7] == Float(7 * 48 + 5))
        #expect(made.variance[5 * 256 + 7] == 6)
    }

    @Test func theEpsilonIsTheConfigurations() throws {
        let tensors = [tensor("mean", [1]) { _ in 0 }, tensor("var", [1]) { _ in 1 }]
        let made = try #require(
            try converted("mae", tensors) {
                try $0.replace("config.yaml", "noise_tau: 0.0", "noise_tau: 0.0\n    eps: 1e-3")
            }
        )
        #expect(made.epsilon == 1e-3)
    }

    @Test(arguments: ["mae", "first-edition/k4"])
    func aFileOfSomethingElseIsRefused(golden: String) throws {
        let text = try failure(golden, [tensor("latents", [1]) { _ in 0 }])
        #expect(text.hasSuffix("has neither 'mean' nor 'var', so these are no statistics."), "\(text)")
    }

    @Test func valuesThatNoLatentHasAreRefused() throws {
        let text = try failure("mae", [tensor("mean", [1]) { _ in .nan }, tensor("var", [1]) { _ in 1 }])
        #expect(text.contains("'mean' holds nan at 0"), "\(text)")
        let negative = try failure("mae", [tensor("mean", [1]) { _ in 0 }, tensor("var", [1]) { _ in -1 }])
        #expect(negative.contains("'var' holds -1.0 at 0"), "\(negative)")
    }
}
