// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Fixtures
import FrequencyBands
import TensorFiles
import Testing

/// What no published model has, against numpy in double precision (`models/make_model_fixtures.py`).
///
/// The tolerance is fp32's noise at values around 5.
@Suite struct SmallModelTests {
    static let tolerance: Float = 2e-5

    @Test func fftBandsMixingAndDenoiserMatchNumpy() throws {
        let (engine, expected) = try load("fft-bands")
        let pixels = try expected.bytes("pixels")
        let task = AutoencoderTask(input: .pixels(pixels), outputs: [.latent, .reconstruction, .logits])
        let made = try engine.result(task)
        #expect(largestDifference(made.latent, try expected.values("latent")) < Self.tolerance)
        #expect(largestDifference(made.reconstruction, try expected.values("recon")) < Self.tolerance)
        #expect(largestDifference(made.logits, try expected.values("logits")) < Self.tolerance)

        for (ratio, name) in [(Float(0.5), "latent.ratio0.5"), (0, "latent.ratio0"), (1, "latent")] {
            var partly = AutoencoderTask(input: .pixels(pixels), outputs: .latent)
            partly.bands = .ratio(ratio)
            #expect(
                largestDifference(try engine.result(partly).latent, try expected.values(name)) < Self.tolerance,
                "\(name)"
            )
        }
        var plain = AutoencoderTask(input: .pixels(pixels), outputs: .latent)
        plain.bands = nil
        #expect(
            largestDifference(try engine.result(plain).latent, try expected.values("latent.pre_frequency"))
                < Self.tolerance
        )
        let energies = try engine.result(AutoencoderTask(input: .pixels(pixels), outputs: .fftEnergies)).energies
        #expect(
            largestDifference(try #require(energies).map { Float($0) }, try expected.values("energy.bands"))
                < Self.tolerance
        )

        // A latent that comes back is decoded as it is.
        let decode = AutoencoderTask(input: .latent(try #require(made.latent)), outputs: .reconstruction)
        #expect(try engine.result(decode).reconstruction == made.reconstruction)
    }

    @Test func everyKindOfLayerMatchesNumpy() throws {
        let (engine, expected) = try load("all-layers")
        let task = AutoencoderTask(
            input: .pixels(try expected.bytes("pixels")),
            outputs: [.latent, .reconstruction, .logits]
        )
        let made = try engine.result(task)
        #expect(largestDifference(made.latent, try expected.values("latent")) < Self.tolerance)
        #expect(largestDifference(made.reconstruction, try expected.values("recon")) < Self.tolerance)
        #expect(largestDifference(made.logits, try expected.values("logits")) < Self.tolerance)
    }

    @Test func packedLatentsMatchNumpy() throws {
        let (engine, expected) = try load("packing")
        let pixels = try expected.bytes("pixels")
        let task = AutoencoderTask(input: .pixels(pixels), outputs: [.latent, .reconstruction, .logits])
        let made = try engine.result(task)
        #expect(largestDifference(made.latent, try expected.values("latent")) < Self.tolerance)
        #expect(largestDifference(made.reconstruction, try expected.values("recon")) < Self.tolerance)
        #expect(largestDifference(made.logits, try expected.values("logits")) < Self.tolerance)

        let classified = try engine.result(AutoencoderTask(input: .pixels(pixels), outputs: .logits))
        #expect(largestDifference(classified.logits, try expected.values("logits")) < Self.tolerance)

        // What a cut takes away is drawn, and only that.
        var cut = AutoencoderTask(input: .latent(try #require(made.latent)), outputs: .reconstruction)
        cut.cut = .split(BandSplit(mode: .low, order: .zigzag, cutoff: .reorder1D, count: 5))
        let drawn = try engine.result(cut).reconstruction
        #expect(largestDifference(drawn, try expected.values("recon.keep5")) < Self.tolerance)
    }

    @Test func anEmptyPackedLatentIsABlankImage() throws {
        let (engine, _) = try load("packing")
        let configuration = engine.model.configuration
        let empty = [Float](repeating: 0, count: configuration.latentCount)
        let made = try engine.result(AutoencoderTask(input: .latent(empty), outputs: .reconstruction))
        let mean = configuration.decoder.mean.flatMap { [Float](repeating: Float($0), count: 24 * 24) }
        #expect(largestDifference(made.reconstruction, mean) < 1e-6)
    }

    private func load(_ name: String) throws -> (AutoencoderEngine, SafetensorsFile) {
        let model = try AutoencoderModel(directory: Fixtures.path("models/\(name)"))
        let expected = try SafetensorsFile(path: Fixtures.path("models/\(name)/expected.safetensors"))
        return (try AutoencoderEngine(model: model, threads: 2), expected)
    }
}
