// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Fixtures
import FrequencyBands
import Testing

/// Every way in which a task can be refused.
@Suite struct TaskErrorTests {
    let engine: AutoencoderEngine
    let latent: [Float]
    let pixels: [UInt8]

    init() throws {
        // CLIP's golden model has neither statistics nor a head.
        engine = try GoldenModel.all[1].engine(threads: 1)
        latent = [Float](repeating: 0, count: 80 * 256)
        pixels = [UInt8](repeating: 0, count: 256 * 256 * 3)
    }

    private func corner(_ side: Int) -> TokenCorner { TokenCorner(position: .topLeft, side: side) }

    private func refuses(
        _ input: AutoencoderTask.Input,
        _ outputs: AutoencoderTask.Outputs,
        with error: TaskError,
        on other: AutoencoderEngine? = nil,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ change: (inout AutoencoderTask) -> Void = { _ in }
    ) {
        var task = AutoencoderTask(input: input, outputs: outputs)
        change(&task)
        let engine = other ?? engine
        #expect(throws: error, sourceLocation: sourceLocation) { try engine.plan(task) }
    }

    @Test func inputsOfTheWrongSize() {
        refuses(.pixels([0]), .latent, with: .pixelCount(expected: 196_608, found: 1))
        refuses(.latent([0]), .image, with: .latentCount(expected: 20480, found: 1))
        refuses(.frequencyTokens([0], count: 2), .image, with: .latentCount(expected: 160, found: 1))
        refuses(.compactTokens([0], corner(2)), .image, with: .latentCount(expected: 320, found: 1))
        for count in [-1, 0, 257, Int.max] {
            refuses(
                .frequencyTokens([], count: count),
                .image,
                with: .frequencyTokenCount(found: count, minimum: 1, maximum: 256)
            )
        }
        for side in [-1, 0, 17, Int.max] {
            refuses(.compactTokens([], corner(side)), .image, with: .compactSide(found: side, maximum: 16))
            refuses(.latent(latent), .image, with: .compactSide(found: side, maximum: 16)) {
                $0.decodedCorner = corner(side)
            }
        }
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func latentsThatAreNotFinite(value: Float) {
        var values = latent
        values[777] = value
        refuses(.latent(values), .image, with: .inputNotFinite(index: 777))
    }

    @Test func resultsThatOverflow() throws {
        let task = AutoencoderTask(
            input: .latent([Float](repeating: 3e38, count: latent.count)),
            outputs: .image
        )
        #expect(throws: TaskError.resultNotFinite) { try engine.result(task) }
        let energies = AutoencoderTask(
            input: .latent([Float](repeating: 3e38, count: latent.count)),
            outputs: .frequencyTokens
        )
        var full = energies
        full.frequencyTokenCount = 256
        #expect(throws: TaskError.resultNotFinite) { try engine.result(full) }
    }

    @Test func outputsThatCannotBe() {
        refuses(.latent(latent), [], with: .nothingAsked)
        refuses(.latent(latent), .logits, with: .headUnavailable)
        refuses(.latent(latent), .imageEnergies, with: .needsPixels)
        refuses(.latent(latent), .latent, with: .needsPixels) { $0.flipped = true }
        refuses(.latent(latent), [.coefficientEnergies, .fftEnergies], with: .severalEnergies)
        refuses(.pixels(pixels), [.imageEnergies, .imageFFTEnergies], with: .severalEnergies)
        refuses(
            .latent(latent),
            .frequencyTokens,
            with: .frequencyTokenCount(found: 0, minimum: 1, maximum: 256)
        )
        refuses(
            .latent(latent),
            .fftEnergies,
            with: .bands(.bandCountOutOfRange(count: 65, limit: 64))
        ) { $0.fftBandCount = 65 }
        refuses(.latent(latent), .latent, with: .normalizationUnavailable) { $0.normalizeLatent = true }
        refuses(.latent(latent), .latent, with: .normalizationUnavailable) { $0.latentIsNormalized = true }
    }

    @Test func cutsThatCannotBe() {
        refuses(.latent(latent), .latent, with: .cut(.countOutOfRange(count: 257, limit: 256))) {
            $0.cut = .split(BandSplit(mode: .low, order: .zigzag, cutoff: .reorder1D, count: 257))
        }
        refuses(.latent(latent), .latent, with: .cut(.countOutOfRange(count: -1, limit: 256))) {
            $0.cut = .split(BandSplit(mode: .low, order: .zigzag, cutoff: .reorder1D, count: -1))
        }
    }

    @Test func compactDecodingThatCannotBe() throws {
        let tokens = [Float](repeating: 0, count: 80 * 4)
        refuses(.compactTokens(tokens, corner(2)), [.image, .latent], with: .compactTokensOnlyDecode)
        refuses(.compactTokens(tokens, corner(2)), .image, with: .needsPixels) { $0.flipped = true }
        let lite = try AutoencoderEngine(
            model: try AutoencoderModel(directory: Fixtures.path("models/all-layers")),
            threads: 1
        )
        refuses(.compactTokens([0], corner(1)), .image, with: .compactDecodeUnavailable, on: lite)
    }

    @Test func bandsThatCannotBe() throws {
        refuses(.pixels(pixels), .latent, with: .bandsUnavailable) { $0.bands = .ratio(1) }
        let banded = try AutoencoderEngine(
            model: try AutoencoderModel(directory: Fixtures.path("models/fft-bands")),
            threads: 1
        )
        let values = [Float](repeating: 0, count: 6 * 64)
        let image = [UInt8](repeating: 0, count: 32 * 32 * 3)
        refuses(.latent(values), .image, with: .frequencyRatioNeedsPixels, on: banded) { $0.bands = .ratio(1) }
        refuses(.latent(values), .fftEnergies, with: .bandEnergiesNeedPixels, on: banded)
        refuses(.pixels(image), .fftEnergies, with: .bandEnergiesNeedBands, on: banded) { $0.bands = nil }
        for ratio in [Float(-0.1), 1.1, .infinity] {
            refuses(.pixels(image), .latent, with: .frequencyRatioOutOfRange(ratio), on: banded) {
                $0.bands = .ratio(ratio)
            }
        }
    }
}
