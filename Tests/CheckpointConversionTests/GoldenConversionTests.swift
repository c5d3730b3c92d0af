// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import CheckpointConversion
import ConvertedModels
import Fixtures
import FrequencyBands
import TensorFiles
import Testing

/// Every published form, converted and held against what the authors' code computed from the same files.
///
/// Latents 5e-5, normalised or not, reconstructions 2e-4: the golden data's own fp32 noise with a margin.
@Suite struct GoldenConversionTests {
    static let latentTolerance: Float = 5e-5
    static let reconstructionTolerance: Float = 2e-4

    /// A converted golden model and what its photo must give.
    struct Golden {
        let engine: AutoencoderEngine
        let expected: SafetensorsFile
        let pixels: [UInt8]

        init(_ source: String, configuration: String? = nil, expected: String) throws {
            let folder = try ConvertedModels.folder(source, configuration: configuration)
            engine = try AutoencoderEngine(model: try AutoencoderModel(directory: folder), threads: 2)
            self.expected = try SafetensorsFile(path: Fixtures.path("golden/\(expected).safetensors"))
            pixels = try Golden.pixels(self.expected)
        }

        /// The rocket's pixels where the file leaves them out: they are the same everywhere.
        private static func pixels(_ file: SafetensorsFile) throws -> [UInt8] {
            let source =
                file.contains("pixels")
                ? file : try SafetensorsFile(path: Fixtures.path("golden/mae/expected-rocket.safetensors"))
            return source.withBytes(of: try #require(source.index.entries["pixels"])) { [UInt8]($0) }
        }

        func tensor(_ name: String) throws -> [Float] {
            try expected.floats(name, shape: try #require(expected.shape(of: name), "\(name)"))
        }

        func result(
            _ outputs: AutoencoderTask.Outputs,
            _ change: (inout AutoencoderTask) -> Void = { _ in }
        ) throws -> AutoencoderResult {
            var task = AutoencoderTask(input: .pixels(pixels), outputs: outputs)
            change(&task)
            return try #require(engine.run([engine.plan(task)]).first).get()
        }
    }

    static func largestDifference(_ first: [Float]?, _ second: [Float]) -> Float {
        guard let first, first.count == second.count else { return .infinity }
        return zip(first, second).reduce(0) { largest, pair in
            pair.0.isFinite && pair.1.isFinite ? max(largest, abs(pair.0 - pair.1)) : .infinity
        }
    }

    private func expectClose(
        _ found: [Float]?,
        _ wanted: [Float],
        _ tolerance: Float,
        _ what: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let difference = Self.largestDifference(found, wanted)
        #expect(difference < tolerance, "\(what): \(difference)", sourceLocation: sourceLocation)
    }

    static func low(_ count: Int) -> BandSplit { BandSplit(mode: .low, count: count) }

    // MARK: First edition

    @Test(arguments: [("k2", "rocket"), ("k4", "brick")])
    func theFirstEditionEqualsTheAuthors(name: String, photo: String) throws {
        let golden = try Golden("first-edition/\(name)", expected: "first-edition/\(name)/expected-\(photo)")
        let input = golden.engine.model.encoderInput(of: golden.pixels)
        expectClose(input, try golden.tensor("encoder_input"), 1e-5, "encoder_input")
        let plain = try golden.result(.latent) { $0.bands = nil }
        expectClose(plain.latent, try golden.tensor("latent.pre_frequency"), Self.latentTolerance, "pre_frequency")
        let full = try golden.result([.latent, .reconstruction, .fftEnergies])
        expectClose(full.latent, try golden.tensor("latent.full"), Self.latentTolerance, "full")
        expectClose(full.reconstruction, try golden.tensor("recon.full"), Self.reconstructionTolerance, "recon")
        for (energy, wanted) in zip(try #require(full.energies), try golden.tensor("energy.bands")) {
            #expect(abs(energy - Double(wanted)) <= 1e-4 * Double(wanted))
        }
        for entry in golden.expected.index.entries.keys.sorted() {
            if entry.hasPrefix("latent.ratio"), let ratio = Float(entry.dropFirst("latent.ratio".count)) {
                let partly = try golden.result(.latent) { $0.bands = .ratio(ratio) }
                expectClose(partly.latent, try golden.tensor(entry), Self.latentTolerance, entry)
            } else if entry.hasPrefix("recon.ratio"), let ratio = Float(entry.dropFirst("recon.ratio".count)) {
                let partly = try golden.result(.reconstruction) { $0.bands = .ratio(ratio) }
                expectClose(partly.reconstruction, try golden.tensor(entry), Self.reconstructionTolerance, entry)
            }
        }
        guard golden.expected.contains("latent.full.normalized") else { return }
        let normalized = try golden.result(.latent) { $0.normalizeLatent = true }
        expectClose(
            normalized.latent,
            try golden.tensor("latent.full.normalized"),
            Self.latentTolerance,
            "normalized"
        )
    }

    // MARK: 2026 edition

    @Test func viTMAEEqualsTheAuthors() throws {
        let golden = try Golden("mae", expected: "mae/expected-rocket")
        let input = golden.engine.model.encoderInput(of: golden.pixels)
        expectClose(input, try golden.tensor("encoder_input"), 1e-5, "encoder_input")
        let full = try golden.result([.latent, .reconstruction, .coefficientEnergies])
        expectClose(full.latent, try golden.tensor("latent.full"), Self.latentTolerance, "full")
        expectClose(full.reconstruction, try golden.tensor("recon.full"), Self.reconstructionTolerance, "recon")
        for (energy, wanted) in zip(try #require(full.energies), try golden.tensor("energy.coefficients")) {
            #expect(abs(energy - Double(wanted)) <= 1e-4 * Double(wanted))
        }
        let split = golden.engine.model.configuration.frequency.split
        #expect(split == Self.low(64))
        let cut = try golden.result([.latent, .reconstruction]) { $0.cut = split.map(CoefficientCut.split) }
        expectClose(cut.latent, try golden.tensor("latent.zigzag64"), Self.latentTolerance, "zigzag64")
        expectClose(cut.reconstruction, try golden.tensor("recon.zigzag64"), Self.reconstructionTolerance, "recon 64")
        let normalized = try golden.result(.latent) {
            $0.cut = split.map(CoefficientCut.split)
            $0.normalizeLatent = true
        }
        expectClose(
            normalized.latent,
            try golden.tensor("latent.zigzag64.normalized"),
            Self.latentTolerance,
            "normalized"
        )
    }

    @Test(arguments: [("clip-336", 144, 384), ("dinov2-448", 256, 512)])
    func otherGridsEqualTheAuthors(name: String, count: Int, side: Int) throws {
        let golden = try Golden("sizes/\(name)", expected: "sizes/\(name)/expected-rocket")
        let inputSide = golden.engine.model.configuration.encoderInputSide
        let input = golden.engine.model.encoderInput(of: golden.pixels)
        expectClose(
            Self.corner(of: input, side: inputSide, length: 64),
            try golden.tensor("encoder_input.corner"),
            1e-5,
            "encoder_input"
        )
        expectClose(
            try golden.result(.latent).latent,
            try golden.tensor("latent.full"),
            Self.latentTolerance,
            "full"
        )
        let cut = try golden.result([.latent, .reconstruction]) { $0.cut = .split(Self.low(count)) }
        expectClose(cut.latent, try golden.tensor("latent.zigzag\(count)"), Self.latentTolerance, "cut")
        #expect(cut.imageSide == side)
        expectClose(
            Self.corner(of: try #require(cut.reconstruction), side: side, length: 128),
            try golden.tensor("recon.zigzag\(count).corner"),
            Self.reconstructionTolerance,
            "recon"
        )
    }

    /// The last `length` rows and columns of `[3, side, side]`.
    private static func corner(of planes: [Float], side: Int, length: Int) -> [Float] {
        var corner: [Float] = []
        for plane in 0..<3 {
            for y in side - length..<side {
                let end = (plane * side + y + 1) * side
                corner += planes[end - length..<end]
            }
        }
        return corner
    }

    static let token64 = "configs/stage2/latent_modeling/sampling/ImageNet256/64token.yaml"
    static let evaluation = "downloads/checkpoints/DINOv2-B/config.yaml"

    @Test(arguments: [
        ("published-tree/downloads/checkpoints/DINOv2-B", nil, "DINOv2-B"),
        ("published-tree/\(evaluation)", nil, "DINOv2-B"),
        ("published-tree", evaluation, "DINOv2-B"),
        ("published-tree/\(token64)", nil, "64_tokens"),
        // The folder of its YAML, and that of its checkpoint.
        ("published-tree/configs/stage2/latent_modeling/sampling/ImageNet256", nil, "64_tokens"),
        (
            "published-tree/downloads/checkpoints/Generative_Modeling/Latent_Modeling/64_tokens",
            Fixtures.path("golden/published-tree/\(token64)"),
            "64_tokens"
        ),
        ("published-tree", token64, "64_tokens"),
    ])
    func thePublishedTreeEqualsTheAuthors(source: String, configuration: String?, name: String) throws {
        let golden = try Golden(source, configuration: configuration, expected: "published-tree/expected-rocket")
        let split = golden.engine.model.configuration.frequency.split
        #expect(split == Self.low(64))
        let made = try golden.result([.latent, .reconstruction]) { $0.cut = split.map(CoefficientCut.split) }
        expectClose(made.latent, try golden.tensor("\(name).latent.zigzag64"), Self.latentTolerance, "latent")
        expectClose(
            made.reconstruction,
            try golden.tensor("\(name).recon.zigzag64"),
            Self.reconstructionTolerance,
            "recon"
        )
        guard name == "64_tokens" else { return }
        let normalized = try golden.result(.latent) {
            $0.cut = split.map(CoefficientCut.split)
            $0.normalizeLatent = true
        }
        expectClose(
            normalized.latent,
            try golden.tensor("64_tokens.latent.zigzag64.normalized"),
            Self.latentTolerance,
            "normalized"
        )
    }

    // MARK: Relatives

    @Test(arguments: [
        ("rae/configs/stage1/pretrained/DINOv2-B.yaml", "rae/expected-rocket"),
        ("rae/configs/stage1/pretrained/MAE.yaml", "rae/MAE.expected-rocket"),
        ("rae/configs/stage1/pretrained/SigLIP2.yaml", "rae/SigLIP2.expected-rocket"),
        ("diffusers-rae", "diffusers-rae/expected-rocket"),
        ("diffusers-rae-tf5", "diffusers-rae-tf5/expected-rocket"),
    ])
    func relativesEqualTheirOwnCode(source: String, expected: String) throws {
        let golden = try Golden(source, expected: expected)
        #expect(golden.engine.model.configuration.frequency.transform == .none)
        let made = try golden.result([.latent, .reconstruction])
        expectClose(made.latent, try golden.tensor("latent.full"), Self.latentTolerance, "latent")
        expectClose(made.reconstruction, try golden.tensor("recon.full"), Self.reconstructionTolerance, "recon")
        let normalized = try golden.result(.latent) { $0.normalizeLatent = true }
        expectClose(
            normalized.latent,
            try golden.tensor("latent.full.normalized"),
            Self.latentTolerance,
            "normalized"
        )
        // What encode gives comes back as the same reconstruction.
        var decode = AutoencoderTask(input: .latent(try #require(normalized.latent)), outputs: .reconstruction)
        decode.latentIsNormalized = true
        let back = try #require(golden.engine.run([golden.engine.plan(decode)]).first).get()
        expectClose(back.reconstruction, try golden.tensor("recon.full"), Self.reconstructionTolerance, "back")
    }
}
