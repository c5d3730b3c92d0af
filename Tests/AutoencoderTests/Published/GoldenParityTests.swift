// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands
import TensorFiles
import Testing

/// The whole model against the authors' own results.
///
/// Tolerances are those of the golden data's own fp32 noise with a margin: latents and DCT 5e-5 absolute,
/// reconstructions 2e-4, energies 1e-4 relative.
@Suite struct GoldenParityTests {
    static let latentTolerance: Float = 5e-5
    static let reconstructionTolerance: Float = 2e-4

    static let cuts: [(tensor: String, split: BandSplit?)] = [
        ("latent.full", nil),
        ("latent.zigzag64", BandSplit(mode: .low, order: .zigzag, cutoff: .reorder1D, count: 64)),
        ("latent.zigzag36", BandSplit(mode: .low, order: .zigzag, cutoff: .reorder1D, count: 36)),
        ("latent.radial100", BandSplit(mode: .low, order: .radial, cutoff: .reorder1D, count: 100)),
        ("latent.zigzag_high40", BandSplit(mode: .high, order: .zigzag, cutoff: .reorder1D, count: 40)),
        ("latent.zigzag_drop_high56", BandSplit(mode: .dropHigh, order: .zigzag, cutoff: .reorder1D, count: 56)),
        ("latent.zigzag_drop_low3", BandSplit(mode: .dropLow, order: .zigzag, cutoff: .reorder1D, count: 3)),
        ("latent.square8", BandSplit(mode: .low, order: .zigzag, cutoff: .map2DSquare, count: 64)),
        ("latent.square8_compact", BandSplit(mode: .low, order: .zigzag, cutoff: .map2DSquare, count: 64)),
    ]

    @Test(arguments: GoldenModel.underBothProducts)
    func latentsMatchForEveryCut(_ golden: GoldenModel) throws {
        let expected = try golden.expected()
        let engine = try golden.engine()
        let pixels = try expected.bytes("pixels")
        for cut in Self.cuts where expected.contains(cut.tensor) {
            var task = AutoencoderTask(input: .pixels(pixels), outputs: .latent)
            task.cut = cut.split.map(CoefficientCut.split)
            let latent = try engine.result(task).latent
            let difference = largestDifference(latent, try expected.values(cut.tensor))
            #expect(difference < Self.latentTolerance, "\(cut.tensor)")
        }
    }

    @Test(arguments: GoldenModel.all)
    func frequencyTokensAreTheCoefficientsInOrder(_ golden: GoldenModel) throws {
        let expected = try golden.expected()
        let engine = try golden.engine()
        var task = AutoencoderTask(input: .pixels(try expected.bytes("pixels")), outputs: .frequencyTokens)
        task.frequencyTokenCount = 64
        let tokens = try engine.result(task).frequencyTokens
        #expect(largestDifference(tokens, try expected.values("dct.zigzag64.tokens")) < Self.latentTolerance)
        task.frequencyTokenCount = 256
        let all = try #require(try engine.result(task).frequencyTokens)
        let order = CoefficientOrder(.zigzag, height: 16, width: 16).indices
        var map = [Float](repeating: 0, count: all.count)
        for (place, value) in all.enumerated() { map[place / 256 * 256 + order[place % 256]] = value }
        #expect(largestDifference(map, try expected.values("dct.full")) < Self.latentTolerance)
    }

    @Test(arguments: GoldenModel.underBothProducts)
    func reconstructionsMatch(_ golden: GoldenModel) throws {
        let expected = try golden.expected()
        let engine = try golden.engine()
        let pixels = try expected.bytes("pixels")
        for (tensor, split) in [
            ("recon.full", nil),
            ("recon.zigzag64", BandSplit(mode: .low, order: .zigzag, cutoff: .reorder1D, count: 64)),
        ] where expected.contains(tensor) {
            var task = AutoencoderTask(input: .pixels(pixels), outputs: .reconstruction)
            task.cut = split.map(CoefficientCut.split)
            let made = try engine.result(task)
            #expect(made.imageSide == 256)
            #expect(
                largestDifference(made.reconstruction, try expected.values(tensor)) < Self.reconstructionTolerance,
                "\(tensor)"
            )
        }
    }

    @Test func compactDecodeFollowsTheReference() throws {
        let golden = GoldenModel.all[0]
        let expected = try golden.expected()
        let engine = try golden.engine()
        var task = AutoencoderTask(input: .pixels(try expected.bytes("pixels")), outputs: .reconstruction)
        task.cut = .split(BandSplit(mode: .low, order: .zigzag, cutoff: .map2DSquare, count: 64))
        let corner = TokenCorner(position: .topLeft, side: 8)
        task.decodedCorner = corner
        let fromPixels = try engine.result(task)
        let wanted = try expected.values("recon.square8_compact")
        #expect(fromPixels.imageSide == 128)
        #expect(largestDifference(fromPixels.reconstruction, wanted) < Self.reconstructionTolerance)

        // The same from the top-left tokens alone.
        let latent = try expected.values("latent.square8_compact")
        var tokens: [Float] = []
        for channel in 0..<96 {
            for y in 0..<8 { tokens += latent[(channel * 16 + y) * 16..<(channel * 16 + y) * 16 + 8] }
        }
        let compact = AutoencoderTask(input: .compactTokens(tokens, corner), outputs: .reconstruction)
        let fromTokens = try engine.result(compact)
        #expect(largestDifference(fromTokens.reconstruction, wanted) < Self.reconstructionTolerance)
    }

    @Test func normalizationIsTheLastStepOfEncodingAndTheFirstOfDecoding() throws {
        let golden = GoldenModel.all[0]
        let expected = try golden.expected()
        let engine = try golden.engine()
        let low64 = BandSplit(mode: .low, order: .zigzag, cutoff: .reorder1D, count: 64)
        var encode = AutoencoderTask(input: .pixels(try expected.bytes("pixels")), outputs: .latent)
        encode.cut = .split(low64)
        encode.normalizeLatent = true
        let normalized = try #require(try engine.result(encode).latent)
        let wanted = try expected.values("latent.zigzag64.normalized")
        #expect(largestDifference(normalized, wanted) < Self.latentTolerance)

        var decode = AutoencoderTask(input: .latent(normalized), outputs: .reconstruction)
        decode.latentIsNormalized = true
        let image = try engine.result(decode).reconstruction
        #expect(largestDifference(image, try expected.values("recon.zigzag64")) < Self.reconstructionTolerance)
    }

    @Test func frequencyTokensCarryTheLatent() throws {
        let golden = GoldenModel.all[0]
        let expected = try golden.expected()
        let engine = try golden.engine()
        let tokens = try expected.values("dct.zigzag64.tokens")
        let made = try engine.result(
            AutoencoderTask(input: .frequencyTokens(tokens, count: 64), outputs: [.latent, .reconstruction])
        )
        #expect(largestDifference(made.latent, try expected.values("latent.zigzag64")) < Self.latentTolerance)
        #expect(
            largestDifference(made.reconstruction, try expected.values("recon.zigzag64"))
                < Self.reconstructionTolerance
        )
    }

    @Test(arguments: GoldenModel.underBothProducts)
    func energiesMatch(_ golden: GoldenModel) throws {
        let expected = try golden.expected()
        let engine = try golden.engine()
        let task = AutoencoderTask(input: .pixels(try expected.bytes("pixels")), outputs: .coefficientEnergies)
        let energies = try #require(try engine.result(task).energies)
        for (energy, wanted) in zip(energies, try expected.values("energy.coefficients")) {
            #expect(abs(energy - Double(wanted)) <= 1e-4 * Double(wanted))
        }
        let bands = try energyBands(energies, count: 10)
        for (band, wanted) in zip(bands, try expected.values("energy.bands10")) {
            #expect(abs(band.fraction - Double(wanted)) <= 1e-4 * Double(wanted))
        }
    }

    @Test(arguments: GoldenModel.all)
    func encoderInputMatches(_ golden: GoldenModel) throws {
        let expected = try golden.expected()
        let model = try AutoencoderModel(directory: golden.directory)
        let input = model.encoderInput(of: try expected.bytes("pixels"))
        #expect(largestDifference(input, try expected.values("encoder_input")) < 1e-5)
    }
}
