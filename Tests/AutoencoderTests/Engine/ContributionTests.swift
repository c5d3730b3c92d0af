// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Fixtures
import Foundation
import FrequencyBands
import TensorFiles
import Testing

/// What a range of coefficients adds to an image.
@Suite struct ContributionTests {
    /// The default model, and a published form with statistics.
    static let models = ["models/default", "Tests/Fixtures/data/golden/dinov2/model"]

    private func engine(_ folder: String) throws -> AutoencoderEngine {
        try AutoencoderEngine(
            model: try AutoencoderModel(directory: Fixtures.repository.path() + folder),
            threads: 2
        )
    }

    private func pixels(_ engine: AutoencoderEngine) -> [UInt8] {
        let side = engine.model.configuration.imageSide
        return (0..<side * side * 3).map { place in
            let (y, x) = (place / 3 / side, place / 3 % side)
            return UInt8((3 * y + 5 * x * (1 + place % 3) + (y * x) % 41) % 256)
        }
    }

    /// 128 plus 255 times a difference, in double precision.
    static func bytes(_ part: [Float], _ base: [Float], _ rounding: AutoencoderTask.Rounding) -> [UInt8] {
        let plane = part.count / 3
        return (0..<part.count).map { index in
            let place = index % 3 * plane + index / 3
            let steps = 255 * (Double(part[place]) - Double(base[place]))
            let whole = rounding == .round ? steps.rounded(.toNearestOrEven) : steps.rounded(.towardZero)
            return UInt8(min(max(128 + whole, 0), 255))
        }
    }

    /// Expects equal bytes, but for the few that lie on the edge between two.
    static func expectEqual(
        _ image: [UInt8]?,
        _ wanted: [UInt8],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let image = try #require(image, sourceLocation: sourceLocation)
        try #require(image.count == wanted.count, sourceLocation: sourceLocation)
        let differences = zip(image, wanted).map { abs(Int($0) - Int($1)) }
        #expect(differences.max() ?? 0 <= 1, sourceLocation: sourceLocation)
        #expect(differences.count { $0 > 0 } <= image.count / 500, sourceLocation: sourceLocation)
    }

    @Test(arguments: models, AutoencoderTask.Rounding.allCases)
    func itIsTheDifferenceOfTwoReconstructions(folder: String, rounding: AutoencoderTask.Rounding) throws {
        let engine = try engine(folder)
        let configuration = engine.model.configuration
        var task = AutoencoderTask(input: .pixels(pixels(engine)), outputs: .contribution)
        task.cut = .range(from: 4, to: 16, order: .zigzag)
        task.rounding = rounding
        let made = try engine.result(task)
        #expect(made.imageSide == configuration.outputSide)
        task.outputs = .reconstruction
        let part = try #require(try engine.result(task).reconstruction)
        let zeros = [Float](repeating: 0, count: configuration.latentCount)
        let base = AutoencoderTask(input: .latent(zeros), outputs: .reconstruction)
        let wanted = Self.bytes(part, try #require(try engine.result(base).reconstruction), rounding)
        try Self.expectEqual(made.image, wanted)
        #expect(wanted.contains { $0 < 128 } && wanted.contains { $0 > 128 })
    }

    @Test(arguments: models, AutoencoderTask.Rounding.allCases)
    func nothingIsMidGrey(folder: String, rounding: AutoencoderTask.Rounding) throws {
        let engine = try engine(folder)
        let zeros = [Float](repeating: 0, count: engine.model.configuration.latentCount)
        var task = AutoencoderTask(input: .latent(zeros), outputs: .contribution)
        task.rounding = rounding
        let image = try #require(try engine.result(task).image)
        #expect(image.allSatisfy { $0 == 128 })
    }

    @Test func rangesEqualTheSplitsThatTheyCoincideWith() throws {
        let golden = GoldenModel.all[0]
        let engine = try golden.engine()
        let expected = try golden.expected()
        func latent(_ cut: CoefficientCut) throws -> [Float] {
            var task = AutoencoderTask(input: .pixels(try expected.bytes("pixels")), outputs: .latent)
            task.cut = cut
            return try #require(try engine.result(task).latent)
        }
        for (from, to, split, tensor) in [
            (0, 64, BandSplit(count: 64), "latent.zigzag64"),
            (216, 256, BandSplit(mode: .high, count: 40), "latent.zigzag_high40"),
            (0, 200, BandSplit(mode: .dropHigh, count: 56), "latent.zigzag_drop_high56"),
            (3, 256, BandSplit(mode: .dropLow, count: 3), "latent.zigzag_drop_low3"),
        ] {
            let range = try latent(.range(from: from, to: to, order: .zigzag))
            #expect(try range == latent(.split(split)), "\(tensor)")
            #expect(
                largestDifference(range, try expected.values(tensor)) < GoldenParityTests.latentTolerance,
                "\(tensor)"
            )
        }
    }

    @Test(arguments: models, FrequencyOrder.allCases)
    func latentsOfNeighbouringRangesAddUp(folder: String, order: FrequencyOrder) throws {
        let engine = try engine(folder)
        let total = engine.model.configuration.tokenCount
        func latent(_ cut: CoefficientCut?) throws -> [Float] {
            var task = AutoencoderTask(input: .pixels(pixels(engine)), outputs: .latent)
            task.cut = cut
            return try #require(try engine.result(task).latent)
        }
        var sum = [Float](repeating: 0, count: engine.model.configuration.latentCount)
        for (from, to) in [(0, 1), (1, 16), (16, 77), (77, total)] {
            for (place, value) in try latent(.range(from: from, to: to, order: order)).enumerated() {
                sum[place] += value
            }
        }
        let whole = try latent(nil)
        let scale = whole.reduce(1) { max($0, abs($1)) }
        #expect(largestDifference(sum, whole) < 1e-5 * scale)
    }

    /// Where the network draws nothing, the decoder is linear: contributions add up to the image.
    @Test func contributionsOfALinearDecoderAddUpToTheImage() throws {
        let folder = try AutoencoderModelTests.Folder(copying: "models/packing")
        try folder.changeWeights { tensors in
            for (name, tensor) in tensors where name.hasPrefix("decoder.convolutional") {
                let zeros = [Float](repeating: 0, count: tensor.values.count)
                tensors[name] = TensorArray(shape: tensor.shape, values: zeros)
            }
        }
        let engine = try AutoencoderEngine(model: try AutoencoderModel(directory: folder.path), threads: 1)

        func result(_ outputs: AutoencoderTask.Outputs, _ cut: CoefficientCut?) throws -> AutoencoderResult {
            var task = AutoencoderTask(input: .pixels(pixels(engine)), outputs: outputs)
            task.cut = cut
            return try engine.result(task)
        }
        let whole = try #require(try result(.contribution, nil).image)
        var sum = [Int](repeating: 128, count: whole.count)
        var clamped: Set<Int> = []
        let ranges = [(0, 2), (2, 5), (5, 11), (11, 16)]
        for (from, to) in ranges {
            let part = try #require(
                try result(.contribution, .range(from: from, to: to, order: .zigzag)).image
            )
            for (place, value) in part.enumerated() {
                sum[place] += Int(value) - 128
                if value == 0 || value == 255 { clamped.insert(place) }
            }
        }
        #expect(clamped.count < whole.count / 20)
        // Each contribution is rounded by itself; a sum beyond black or white is clamped in the whole.
        for (place, value) in whole.enumerated() where !clamped.contains(place) {
            #expect(abs(min(max(sum[place], 0), 255) - Int(value)) <= ranges.count / 2 + 1)
        }
        #expect(Set(whole).count > 20)
    }

    @Test func contributionsBeyondBlackAndWhiteAreClamped() throws {
        let engine = try engine(Self.models[0])
        let configuration = engine.model.configuration
        let strong = (0..<configuration.latentCount).map { Float($0 % 2 == 0 ? 400 : -400) }
        let image = try engine.result(AutoencoderTask(input: .latent(strong), outputs: .contribution)).image
        #expect(Set(try #require(image)).isSuperset(of: [0, 255]))
    }

    @Test(arguments: models)
    func anOverflowFailsTheTaskAlone(folder: String) throws {
        let engine = try engine(folder)
        let configuration = engine.model.configuration
        var tasks: [AutoencoderTask] = []
        for value in [Float(3e38), 1] {
            // Of changing sign, so that something lies in the range.
            let values = (0..<configuration.latentCount).map { $0 % 3 == 0 ? value : -value }
            var task = AutoencoderTask(input: .latent(values), outputs: .contribution)
            task.cut = .range(from: 1, to: 90, order: .zigzag)
            tasks.append(task)
        }
        let results = engine.run(try tasks.map(engine.plan))
        #expect(throws: TaskError.resultNotFinite) { try results[0].get() }
        #expect(throws: Never.self) { try results[1].get() }
    }

    @Test func contributionsThatCannotBeAreRefused() throws {
        let engine = try engine(Self.models[1])
        let latent = [Float](repeating: 0, count: engine.model.configuration.latentCount)
        func expect(_ error: TaskError, _ change: (inout AutoencoderTask) -> Void) {
            var task = AutoencoderTask(input: .latent(latent), outputs: .contribution)
            change(&task)
            #expect(throws: error) { try engine.plan(task) }
        }
        for (from, to) in [(4, 4), (9, 3), (-1, 5), (0, 257), (Int.max, Int.min)] {
            expect(.cut(.rangeOutOfBounds(from: from, to: to, limit: 256))) {
                $0.cut = .range(from: from, to: to, order: .radial)
            }
        }
        expect(.severalImages) { $0.outputs = [.image, .contribution] }
        expect(.compactContribution) { $0.decodedCorner = TokenCorner(position: .topLeft, side: 8) }
        expect(.compactContribution) {
            $0.input = .compactTokens(Array(latent.prefix(96 * 4)), TokenCorner(position: .topLeft, side: 2))
        }
        expect(.bandsUnavailable) { $0.bands = .only(0) }
    }

    @Test func theCostCountsBothDecodings() throws {
        let engine = try engine(Self.models[0])
        let none = engine.cost(of: .coefficientEnergies, encodesImage: true)
        let image = engine.cost(of: .image, encodesImage: true)
        let contribution = engine.cost(of: .contribution, encodesImage: true)
        #expect(abs((contribution - none) - 2 * (image - none)) < 1e-6)
    }
}
