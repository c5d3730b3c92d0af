// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import ConvertedModels
import Fixtures
import Foundation
import FrequencyBands
import TensorKernels
import Testing

/// What a batch does to its members: nothing.
@Suite struct AutoencoderEngineTests {
    /// Tasks of every kind that a model can do, all different.
    static func mixedTasks(_ engine: AutoencoderEngine) throws -> [AutoencoderTask] {
        let configuration = engine.model.configuration
        let tokens = configuration.tokenCount
        var random = SeededGenerator(state: 3)
        func pixels() -> [UInt8] {
            (0..<configuration.imageSide * configuration.imageSide * 3).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
        }
        func floats(_ count: Int) -> [Float] { (0..<count).map { _ in Float.random(in: -2...2, using: &random) } }

        var tasks: [AutoencoderTask] = []
        for index in 0..<3 {
            var encode = AutoencoderTask(input: .pixels(pixels()), outputs: [.latent, .pooled, .coefficientEnergies])
            encode.cut =
                index == 0 ? nil : .split(BandSplit(mode: .low, order: .zigzag, cutoff: .reorder1D, count: 10 * index))
            encode.flipped = index == 1
            encode.normalizeLatent = configuration.normalization != nil
            tasks.append(encode)

            var decode = AutoencoderTask(input: .latent(floats(configuration.latentCount)), outputs: [.image])
            decode.rounding = index == 0 ? .trunc : .round
            decode.latentIsNormalized = configuration.normalization != nil
            tasks.append(decode)

            let count = tokens / 4 + index
            var carried = AutoencoderTask(
                input: .frequencyTokens(floats(configuration.channels * count), count: count),
                outputs: configuration.frequency.bands == nil
                    ? [.image, .frequencyTokens, .fftEnergies] : [.image, .frequencyTokens]
            )
            carried.frequencyTokenCount = count
            tasks.append(carried)
        }
        var round = AutoencoderTask(input: .pixels(pixels()), outputs: [.reconstruction, .image, .imageEnergies])
        round.cut = .split(BandSplit(mode: .low, order: .zigzag, cutoff: .map2DSquare, count: 25))
        // A packed latent is not a map of places, so part of it cannot be decoded by itself.
        if configuration.packing == nil { round.decodedCorner = TokenCorner(position: .bottomRight, side: 5) }
        tasks.append(round)
        if configuration.packing == nil {
            let compact = floats(configuration.channels * 9)
            let corner = TokenCorner(position: .topLeft, side: 3)
            tasks.append(AutoencoderTask(input: .compactTokens(compact, corner), outputs: .image))
        }
        if configuration.frequency.bands != nil {
            var partly = AutoencoderTask(input: .pixels(pixels()), outputs: [.latent, .fftEnergies])
            partly.bands = .ratio(0.5)
            tasks.append(partly)
            var one = AutoencoderTask(input: .pixels(pixels()), outputs: .contribution)
            one.bands = .only(1)
            tasks.append(one)
        }
        var range = AutoencoderTask(input: .pixels(pixels()), outputs: [.contribution, .reconstruction])
        range.cut = .range(from: 3, to: 17, order: .radial)
        tasks.append(range)
        let (one, other) = (floats(configuration.latentCount), floats(configuration.latentCount))
        let mixture = AutoencoderTask.Input.mixture(one, other, BandSplit(mode: .high, count: 20))
        tasks.append(AutoencoderTask(input: mixture, outputs: [.image, .latent]))
        if engine.model.hasHead { tasks.append(AutoencoderTask(input: .pixels(pixels()), outputs: .logits)) }
        if engine.model.hasHead {
            tasks.append(AutoencoderTask(input: .pixels(pixels()), outputs: [.logits, .imageFFTEnergies]))
        }
        return tasks
    }

    static let folders = [
        "Tests/Fixtures/data/golden/dinov2/model", "Tests/Fixtures/data/golden/clip/model",
        "Tests/Fixtures/data/golden/siglip2/model", "models/default", "first-edition/k4", "mae", "sizes/dinov2-448",
    ]

    /// A folder of the repository, or a golden checkpoint to convert.
    private static func directory(_ folder: String) throws -> String {
        folder.contains("models") || folder.hasSuffix("/model")
            ? Fixtures.repository.path() + folder : try ConvertedModels.folder(folder)
    }

    @Test(arguments: folders, [1, 2, 3])
    func aBatchEqualsItsMembersToTheBit(folder: String, threads: Int) throws {
        try expectBatchesToEqualSingles(folder, .packed, threads: threads)
    }

    @Test(arguments: [folders[0], folders[3]], [1, 3])
    func aBatchUnderOpenBLASEqualsItsMembersToTheBit(folder: String, threads: Int) throws {
        try expectBatchesToEqualSingles(folder, .openblas, threads: threads)
    }

    private func expectBatchesToEqualSingles(
        _ folder: String,
        _ products: MatrixProductSetting,
        threads: Int
    ) throws {
        let model = try AutoencoderModel(directory: try Self.directory(folder), products: products)
        let engine = try AutoencoderEngine(model: model, threads: threads)
        let tasks = try Self.mixedTasks(engine)
        let singles = try tasks.map { try engine.result($0) }
        for count in [2, 3, 5, tasks.count] {
            let batch = engine.run(try tasks.prefix(count).map(engine.plan))
            for (index, result) in batch.enumerated() {
                #expect(try result.get() == singles[index], "task \(index) of \(count)")
            }
        }
    }

    @Test(arguments: [MatrixProductSetting.packed, .openblas])
    func theNumberOfThreadsDoesNotChangeABit(products: MatrixProductSetting) throws {
        let model = try AutoencoderModel(directory: GoldenModel.all[0].directory, products: products)
        let alone = try AutoencoderEngine(model: model, threads: 1)
        let three = try AutoencoderEngine(model: model, threads: 3)
        for task in try Self.mixedTasks(alone) {
            #expect(try alone.result(task) == three.result(task))
        }
    }

    @Test(arguments: GoldenModel.all, [1, 3])
    func everyCompactSideDecodes(golden: GoldenModel, threads: Int) throws {
        let engine = try golden.engine(threads: threads)
        let channels = engine.model.configuration.channels
        for side in 1...16 {
            let tokens = [Float](repeating: 0.25, count: channels * side * side)
            let corner = TokenCorner(position: .topLeft, side: side)
            let made = try engine.result(AutoencoderTask(input: .compactTokens(tokens, corner), outputs: .image))
            #expect(made.imageSide == 16 * side)
            #expect(made.image?.count == 256 * side * side * 3)
        }
    }

    @Test func aTaskThatOverflowsFailsAlone() throws {
        let engine = try GoldenModel.all[0].engine()
        var tasks = try Self.mixedTasks(engine)
        let huge = [Float](repeating: 3e38, count: engine.model.configuration.latentCount)
        tasks[2] = AutoencoderTask(input: .latent(huge), outputs: .image)
        let results = engine.run(try tasks.map(engine.plan))
        #expect(throws: TaskError.resultNotFinite) { try results[2].get() }
        for (index, result) in results.enumerated() where index != 2 {
            #expect(throws: Never.self) { try result.get() }
        }
    }

    @Test func flippingMirrorsTheImage() throws {
        let golden = GoldenModel.all[0]
        let engine = try golden.engine()
        let pixels = try golden.expected().bytes("pixels")
        var mirrored: [UInt8] = []
        for y in 0..<256 {
            for x in (0..<256).reversed() { mirrored += pixels[(y * 256 + x) * 3..<(y * 256 + x) * 3 + 3] }
        }
        var flipped = AutoencoderTask(input: .pixels(pixels), outputs: .latent)
        flipped.flipped = true
        let byHand = AutoencoderTask(input: .pixels(mirrored), outputs: .latent)
        #expect(try engine.result(flipped).latent == engine.result(byHand).latent)
    }

    @Test func pooledIsTheMeanOfTheLatent() throws {
        let golden = GoldenModel.all[2]
        let engine = try golden.engine()
        let task = AutoencoderTask(
            input: .pixels(try golden.expected().bytes("pixels")),
            outputs: [.latent, .pooled]
        )
        let made = try engine.result(task)
        let latent = try #require(made.latent)
        let means = (0..<64).map { latent[$0 * 256..<($0 + 1) * 256].reduce(0, +) / 256 }
        #expect(largestDifference(made.pooled, means) < 1e-5)
    }

    @Test func fftEnergiesSumToTheLatentsEnergy() throws {
        let golden = GoldenModel.all[1]
        let engine = try golden.engine()
        let task = AutoencoderTask(
            input: .pixels(try golden.expected().bytes("pixels")),
            outputs: [.latent, .fftEnergies]
        )
        let made = try engine.result(task)
        let total = try #require(made.latent).reduce(0.0) { $0 + Double($1) * Double($1) } / 80
        let sum = try #require(made.energies).reduce(0, +)
        #expect(made.energies?.count == 10)
        #expect(abs(sum - total) < 1e-4 * total)
    }

    @Test func imageEnergiesSumToTheImagesEnergy() throws {
        let golden = GoldenModel.all[0]
        let engine = try golden.engine()
        let pixels = try golden.expected().bytes("pixels")
        let task = AutoencoderTask(input: .pixels(pixels), outputs: .imageEnergies)
        let energies = try #require(try engine.result(task).imageEnergies)
        let total = pixels.reduce(0.0) { $0 + Double($1) * Double($1) / 65025 } / 3
        #expect(energies.count == 65536)
        #expect(abs(energies.reduce(0, +) - total) < 1e-4 * total)
    }

    @Test func latentAndImageEnergiesOfOneTaskEqualThoseOfTwo() throws {
        let golden = GoldenModel.all[0]
        let engine = try golden.engine()
        let pixels = try golden.expected().bytes("pixels")
        func made(_ outputs: AutoencoderTask.Outputs) throws -> AutoencoderResult {
            try engine.result(AutoencoderTask(input: .pixels(pixels), outputs: outputs))
        }
        for (latent, image) in [(.coefficientEnergies, .imageEnergies), (.fftEnergies, .imageFFTEnergies)]
            as [(AutoencoderTask.Outputs, AutoencoderTask.Outputs)]
        {
            let both = try made([latent, image])
            #expect(try both.energies != nil && both.energies == made(latent).energies)
            #expect(try both.imageEnergies != nil && both.imageEnergies == made(image).imageEnergies)
            #expect(try made(latent).imageEnergies == nil && made(image).energies == nil)
        }
    }

    @Test func costIsCountedInEncodings() throws {
        let engine = try GoldenModel.all[0].engine()
        let encode = engine.cost(of: .latent, encodesImage: true)
        let decode = engine.cost(of: .image, encodesImage: false)
        let both = engine.cost(of: .image, encodesImage: true)
        #expect(abs(encode - 1) < 0.1)
        #expect(decode > 0)
        #expect(abs(both - encode - decode) < 0.1)
        let latent = [Float](repeating: 0, count: engine.model.configuration.latentCount)
        #expect(try engine.plan(AutoencoderTask(input: .latent(latent), outputs: .image)).cost == decode)
    }

    @Test func warmingUpRunsAndLeavesResultsAlone() throws {
        let engine = try GoldenModel.all[0].engine()
        let task = try Self.mixedTasks(engine)[0]
        let before = try engine.result(task)
        try engine.warmUp(batch: 3)
        #expect(try engine.result(task) == before)
    }
}

/// A generator that gives the same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 33)
    }
}
