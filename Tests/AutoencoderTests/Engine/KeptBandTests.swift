// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import ConvertedModels
import Fixtures
import Foundation
import FrequencyBands
import TensorFiles
import Testing

/// One FFT band of a first-edition model, from the authors' own bands by plain loops.
@Suite struct KeptBandTests {
    static let names = [("k2", "rocket"), ("k4", "brick")]

    /// The authors' module after the split, in double precision: mixing, denoiser, sum.
    struct PlainModule {
        let bandCount: Int
        let channels: Int
        let mixing: [[Float]]
        let weights: SafetensorsFile

        init(_ folder: String, bandCount: Int, channels: Int) throws {
            weights = try SafetensorsFile(path: folder + "/model.safetensors")
            let weights = weights
            mixing = try (0..<2).map { try weights.values("freq_modulator.band_transform.layers.\($0).weight") }
            (self.bandCount, self.channels) = (bandCount, channels)
        }

        /// The bands `[bandCount, channels, 16, 16]` after mixing.
        func mixed(_ bands: [Float]) -> [Double] {
            let size = channels * 256
            var values = bands.map(Double.init)
            for matrix in mixing {
                let old = values
                for place in 0..<size {
                    for row in 0..<bandCount {
                        values[row * size + place] = (0..<bandCount).reduce(0) { sum, band in
                            sum + Double(matrix[row * bandCount + band]) * old[band * size + place]
                        }
                    }
                }
            }
            return values
        }

        /// The latent of mixed bands.
        func latent(_ bands: [Double]) throws -> [Float] {
            let hidden = try convolve(bands, inputs: bandCount * channels, layer: 0).map { $0 / (1 + exp(-$0)) }
            let change = try convolve(hidden, inputs: hidden.count / 256, layer: 2)
            return change.indices.map { place in
                Float(change[place] + (0..<bandCount).reduce(0) { $0 + bands[$1 * change.count + place] })
            }
        }

        private func convolve(_ map: [Double], inputs: Int, layer: Int) throws -> [Double] {
            let weight = try weights.values("freq_modulator.denoiser.\(layer).weight")
            let bias = try weights.values("freq_modulator.denoiser.\(layer).bias")
            var out = bias.flatMap { [Double](repeating: Double($0), count: 256) }
            for output in bias.indices {
                for input in 0..<inputs {
                    for tap in 0..<9 {
                        let factor = Double(weight[(output * inputs + input) * 9 + tap])
                        let (down, right) = (tap / 3 - 1, tap % 3 - 1)
                        for y in max(0, -down)..<min(16, 16 - down) {
                            for x in max(0, -right)..<min(16, 16 - right) {
                                let value = map[input * 256 + (y + down) * 16 + x + right]
                                out[output * 256 + y * 16 + x] += factor * value
                            }
                        }
                    }
                }
            }
            return out
        }
    }

    /// A golden model and what its photo must give.
    struct Golden {
        let engine: AutoencoderEngine
        let expected: SafetensorsFile
        let pixels: [UInt8]
        let module: PlainModule

        init(_ name: String, _ photo: String) throws {
            let folder = try ConvertedModels.folder("first-edition/\(name)")
            engine = try AutoencoderEngine(model: try AutoencoderModel(directory: folder), threads: 2)
            expected = try SafetensorsFile(
                path: Fixtures.path("golden/first-edition/\(name)/expected-\(photo).safetensors")
            )
            pixels = try expected.bytes("pixels")
            let shape = try #require(expected.shape(of: "bands.raw"))
            module = try PlainModule(folder, bandCount: shape[0], channels: shape[1])
        }

        /// The authors' bands before mixing, all but one of them zero; none: all of them zero.
        func rawBands(only band: Int?) throws -> [Float] {
            let raw = try expected.values("bands.raw")
            let size = module.channels * 256
            return raw.indices.map { $0 / size == band ? raw[$0] : 0 }
        }

        func result(_ outputs: AutoencoderTask.Outputs, _ bands: KeptBands?) throws -> AutoencoderResult {
            var task = AutoencoderTask(input: .pixels(pixels), outputs: outputs)
            task.bands = bands
            return try engine.result(task)
        }
    }

    @Test(arguments: names)
    func plainLoopsGiveTheAuthorsLatent(name: String, photo: String) throws {
        let golden = try Golden(name, photo)
        let mixed = golden.module.mixed(try golden.expected.values("bands.raw"))
        #expect(largestDifference(mixed.map { Float($0) }, try golden.expected.values("bands.mixed")) < 2e-5)
        let latent = try golden.module.latent(mixed)
        let wanted = try golden.expected.values("latent.full")
        #expect(largestDifference(latent, wanted) < GoldenParityTests.latentTolerance)
    }

    @Test(arguments: names)
    func oneBandIsMixedAndDenoisedAlone(name: String, photo: String) throws {
        let golden = try Golden(name, photo)
        let size = golden.module.channels * 256
        for band in 0..<golden.module.bandCount {
            let mixed = golden.module.mixed(try golden.rawBands(only: band))
            let made = try golden.result([.latent, .fftEnergies], .only(band))
            let difference = largestDifference(made.latent, try golden.module.latent(mixed))
            #expect(difference < GoldenParityTests.latentTolerance, "band \(band)")
            for (index, energy) in try #require(made.energies).enumerated() {
                let wanted =
                    mixed[index * size..<(index + 1) * size].reduce(0) { $0 + $1 * $1 } / Double(size)
                #expect(abs(energy - wanted) <= 1e-4 * wanted + 1e-12, "band \(band), \(index)")
            }
        }
    }

    /// The condition of the published models keeps the lowest band at a ratio of 0.
    @Test(arguments: names)
    func theLowestBandAloneIsARatioOfZero(name: String, photo: String) throws {
        let golden = try Golden(name, photo)
        #expect(try golden.result(.latent, .only(0)) == golden.result(.latent, .ratio(0)))
        #expect(try golden.result(.latent, .only(1)) != golden.result(.latent, .ratio(0)))
    }

    @Test(arguments: names)
    func aBandIsDrawnBeyondTheImageOfNoBand(name: String, photo: String) throws {
        let golden = try Golden(name, photo)
        let empty = try golden.module.latent(golden.module.mixed(try golden.rawBands(only: nil)))
        let decode = AutoencoderTask(input: .latent(empty), outputs: .reconstruction)
        let base = try #require(try golden.engine.result(decode).reconstruction)
        for band in 0..<golden.module.bandCount {
            let part = try #require(try golden.result(.reconstruction, .only(band)).reconstruction)
            let wanted = ContributionTests.bytes(part, base, .round)
            // The plain module differs from the engine by its fp32 noise.
            let image = try #require(try golden.result(.contribution, .only(band)).image)
            let differences = zip(image, wanted).map { abs(Int($0) - Int($1)) }
            #expect(differences.max() ?? 0 <= 1)
            #expect(differences.count { $0 > 0 } <= image.count / 50, "band \(band)")
        }
    }

    /// A `noise_only` model ignores a ratio; a single band is a single band.
    @Test func theConditionDoesNotMatterForOneBand() throws {
        let pixels = try SafetensorsFile(path: Fixtures.path("models/fft-bands/expected.safetensors")).bytes("pixels")
        let folder = try AutoencoderModelTests.Folder(copying: "models/fft-bands")
        func latent(_ bands: KeptBands) throws -> [Float] {
            let engine = try AutoencoderEngine(model: try AutoencoderModel(directory: folder.path), threads: 1)
            var task = AutoencoderTask(input: .pixels(pixels), outputs: .latent)
            task.bands = bands
            return try #require(try engine.result(task).latent)
        }
        let masked = try (0..<3).map { try latent(.only($0)) }
        #expect(try latent(.ratio(0)) == masked[0])
        try folder.replace("config.json", "\"mixing_layers\"", "\"condition\": \"noise_only\",\n  \"mixing_layers\"")
        #expect(try (0..<3).map { try latent(.only($0)) } == masked)
        #expect(try latent(.ratio(0)) == latent(.all))
    }

    @Test func bandsThatCannotBeAreRefused() throws {
        let engine = try AutoencoderEngine(
            model: try AutoencoderModel(directory: Fixtures.path("models/fft-bands")),
            threads: 1
        )
        let pixels = [UInt8](repeating: 0, count: 32 * 32 * 3)
        for band in [-1, 3, Int.min, Int.max] {
            var task = AutoencoderTask(input: .pixels(pixels), outputs: .contribution)
            task.bands = .only(band)
            #expect(throws: TaskError.bandOutOfRange(band: band, count: 3)) { try engine.plan(task) }
        }
        var task = AutoencoderTask(input: .latent([Float](repeating: 0, count: 6 * 64)), outputs: .contribution)
        task.bands = .only(0)
        #expect(throws: TaskError.bandNeedsPixels) { try engine.plan(task) }
    }
}
