// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands
import Testing

/// Two latents in one: the coefficients of a split from the first, the others from the second.
@Suite struct MixtureTests {
    /// CLIP's golden model: 80 channels on a grid of 16 x 16.
    let engine: AutoencoderEngine
    let first: [Float]
    let second: [Float]
    /// Of the largest value that a transform meets here.
    static let tolerance: Float = 2e-5

    init() throws {
        engine = try GoldenModel.all[1].engine(threads: 2)
        var random = SeededGenerator(state: 5)
        let count = engine.model.configuration.latentCount
        first = (0..<count).map { _ in Float.random(in: -3...3, using: &random) }
        second = (0..<count).map { _ in Float.random(in: -2...4, using: &random) }
    }

    private func mixture(_ one: [Float], _ other: [Float], _ split: BandSplit) throws -> [Float] {
        let task = AutoencoderTask(input: .mixture(one, other, split), outputs: .latent)
        return try #require(try engine.result(task).latent)
    }

    /// Coefficient by coefficient, by the transform alone.
    private func byHand(_ one: [Float], _ other: [Float], _ split: BandSplit) throws -> [Float] {
        let dct = DCT2D(height: 16, width: 16)
        let keeps = try split.keeps(height: 16, width: 16)
        var (mixed, rest) = (one, other)
        mixed.withUnsafeMutableBufferPointer { mixed in
            rest.withUnsafeMutableBufferPointer { rest in
                guard let mixed = mixed.baseAddress, let rest = rest.baseAddress else { return }
                dct.forward(mixed, channels: 80, into: mixed)
                dct.forward(rest, channels: 80, into: rest)
                for index in 0..<80 * 256 where !keeps[index % 256] { mixed[index] = rest[index] }
                dct.inverse(mixed, channels: 80, into: mixed)
            }
        }
        return mixed
    }

    @Test(arguments: BandMode.allCases, FrequencyOrder.allCases)
    func eachCoefficientIsThatOfItsLatent(mode: BandMode, order: FrequencyOrder) throws {
        for count in [1, 16, 100, 255] {
            let split = BandSplit(mode: mode, order: order, count: count)
            let difference = largestDifference(try mixture(first, second, split), try byHand(first, second, split))
            #expect(difference < Self.tolerance, "\(count)")
        }
    }

    @Test func allOrNoneOfTheFirstIsExact() throws {
        for (mode, count) in [(BandMode.low, 256), (.high, 256), (.dropLow, 0), (.dropHigh, 0)] {
            #expect(try mixture(first, second, BandSplit(mode: mode, count: count)) == first)
        }
        for (mode, count) in [(BandMode.low, 0), (.high, 0), (.dropLow, 256), (.dropHigh, 256)] {
            #expect(try mixture(first, second, BandSplit(mode: mode, count: count)) == second)
        }
    }

    @Test func aLatentMixedWithItselfIsItself() throws {
        #expect(try mixture(first, first, BandSplit(count: 64)) == first)
    }

    @Test func whatTwoMixturesTakeAddsUp() throws {
        let one = try mixture(first, second, BandSplit(count: 40))
        let rest = try mixture(second, first, BandSplit(count: 40))
        let sums = zip(one, rest).map { $0 + $1 }
        #expect(largestDifference(sums, zip(first, second).map { $0 + $1 }) < Self.tolerance)
        // The highest 216 of the first with the rest of the second are the lowest 40 of the second with the rest.
        let high = try mixture(first, second, BandSplit(mode: .high, count: 216))
        #expect(largestDifference(high, rest) < Self.tolerance)
    }

    @Test func theImageIsThatOfTheMixedLatent() throws {
        let split = BandSplit(count: 64)
        let image = try engine.result(AutoencoderTask(input: .mixture(first, second, split), outputs: .image)).image
        let latent = try mixture(first, second, split)
        #expect(try engine.result(AutoencoderTask(input: .latent(latent), outputs: .image)).image == image)
    }

    @Test func bothLatentsAreFreedOfTheirNormalization() throws {
        let golden = GoldenModel.all[0]
        let engine = try golden.engine()
        var encode = AutoencoderTask(input: .pixels(try golden.expected().bytes("pixels")), outputs: .latent)
        let plain = try #require(try engine.result(encode).latent)
        encode.normalizeLatent = true
        let normalized = try #require(try engine.result(encode).latent)
        func mixed(_ one: [Float], _ isNormalized: Bool) throws -> [Float] {
            var task = AutoencoderTask(
                input: .mixture(one, [Float](one.reversed()), BandSplit(count: 9)),
                outputs: .latent
            )
            task.latentIsNormalized = isNormalized
            return try #require(try engine.result(task).latent)
        }
        // By hand: both freed, then mixed.
        var free = AutoencoderTask(input: .latent([Float](normalized.reversed())), outputs: .latent)
        free.latentIsNormalized = true
        let other = try #require(try engine.result(free).latent)
        let wanted = AutoencoderTask(input: .mixture(plain, other, BandSplit(count: 9)), outputs: .latent)
        let difference = largestDifference(try mixed(normalized, true), try #require(try engine.result(wanted).latent))
        #expect(difference < 1e-4)
        #expect(largestDifference(try mixed(normalized, false), try mixed(normalized, true)) > 0.01)
    }

    @Test func anOverflowFailsTheTaskAlone() throws {
        let huge = [Float](repeating: 3e38, count: first.count)
        let opposite = huge.map { -$0 }
        let inputs: [(one: [Float], other: [Float])] = [
            (huge, huge), (huge, opposite), (huge, second), (first, huge), (first, second),
        ]
        let results = engine.run(
            try inputs.map { input in
                let mixture = AutoencoderTask.Input.mixture(input.one, input.other, BandSplit(count: 64))
                return try engine.plan(AutoencoderTask(input: mixture, outputs: .image))
            }
        )
        for result in results.dropLast() {
            #expect(throws: TaskError.resultNotFinite) { try result.get() }
        }
        #expect(throws: Never.self) { try results.last?.get() }
    }

    @Test func mixturesThatCannotBeAreRefused() throws {
        func expect(
            _ error: TaskError,
            _ one: [Float],
            _ other: [Float],
            count: Int = 4,
            _ change: (inout AutoencoderTask) -> Void = { _ in }
        ) {
            var task = AutoencoderTask(input: .mixture(one, other, BandSplit(count: count)), outputs: .latent)
            change(&task)
            #expect(throws: error) { try engine.plan(task) }
        }
        let (short, expected) = (Array(first.dropLast()), first.count)
        expect(.latentCount(expected: expected, found: expected - 1), short, second)
        expect(.latentCount(expected: expected, found: expected - 1), first, short)
        expect(.latentCount(expected: expected, found: 0), first, [])
        var broken = second
        broken[77] = .nan
        expect(.inputNotFinite(index: 77), first, broken)
        expect(.inputNotFinite(index: 77), broken, second)
        for count in [-1, 257, Int.max] {
            expect(.cut(.countOutOfRange(count: count, limit: 256)), first, second, count: count)
        }
        expect(.needsPixels, first, second) { $0.flipped = true }
        expect(.needsPixels, first, second) { $0.outputs = .imageEnergies }
        expect(.normalizationUnavailable, first, second) { $0.latentIsNormalized = true }
    }
}
