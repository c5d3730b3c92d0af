// SPDX-License-Identifier: Apache-2.0

import Fixtures
import FrequencyBands
import TensorFiles
import Testing

@Suite struct CoefficientOrderTests {
    // The authors walk diagonals the other way round from JPEG's zigzag.
    @Test(arguments: [
        (side: 1, expected: [0]),
        (side: 2, expected: [0, 2, 1, 3]),
        (side: 3, expected: [0, 3, 1, 2, 4, 6, 7, 5, 8]),
    ])
    func zigzagWalksDiagonalsFromTheTopLeft(side: Int, expected: [Int]) {
        #expect(CoefficientOrder(.zigzag, height: side, width: side).indices == expected)
    }

    @Test(arguments: [(3, 5), (5, 3), (14, 14), (16, 16)])
    func everyOrderVisitsEachCoefficientOnce(height: Int, width: Int) {
        for order in FrequencyOrder.allCases {
            let indices = CoefficientOrder(order, height: height, width: width).indices
            #expect(indices.sorted() == Array(0..<height * width))
        }
    }

    @Test func radialTiesFallToTheLowerIndex() {
        #expect(CoefficientOrder(.radial, height: 3, width: 3).indices == [0, 1, 3, 4, 2, 6, 5, 7, 8])
    }
}

/// The authors' own results for one photo.
private struct Golden {
    let file: SafetensorsFile
    let channels = 96
    let transform = DCT2D(height: 16, width: 16)

    init() throws {
        file = try SafetensorsFile(path: Fixtures.path("golden/dinov2/expected-chelsea.safetensors"))
    }

    func tensor(_ name: String) throws -> [Float] {
        try file.floats(name, shape: try #require(file.shape(of: name)))
    }

    func coefficients() throws -> [Float] {
        var coefficients = try tensor("latent.full")
        coefficients.withUnsafeMutableBufferPointer { buffer in
            if let base = buffer.baseAddress { transform.forward(base, channels: channels, into: base) }
        }
        return coefficients
    }

    func latent(keeping split: BandSplit) throws -> [Float] {
        var grid = try coefficients()
        let keeps = try split.keeps(height: 16, width: 16)
        for index in grid.indices where !keeps[index % 256] { grid[index] = 0 }
        grid.withUnsafeMutableBufferPointer { buffer in
            if let base = buffer.baseAddress { transform.inverse(base, channels: channels, into: base) }
        }
        return grid
    }
}

private func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    a.count == b.count ? zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } : .infinity
}

@Suite struct BandSplitTests {
    @Test func theTransformEqualsTheAuthors() throws {
        let golden = try Golden()
        #expect(try largestDifference(golden.coefficients(), golden.tensor("dct.full")) < 5e-5)
    }

    @Test(arguments: [
        ("zigzag64", BandSplit(count: 64)),
        ("zigzag36", BandSplit(count: 36)),
        ("radial100", BandSplit(order: .radial, count: 100)),
        ("zigzag_high40", BandSplit(mode: .high, count: 40)),
        ("zigzag_drop_high56", BandSplit(mode: .dropHigh, count: 56)),
        ("zigzag_drop_low3", BandSplit(mode: .dropLow, count: 3)),
        ("square8", BandSplit(cutoff: .map2DSquare, count: 64)),
    ])
    func everyCutEqualsTheAuthors(name: String, split: BandSplit) throws {
        let golden = try Golden()
        #expect(try largestDifference(golden.latent(keeping: split), golden.tensor("latent." + name)) < 5e-5)
    }

    @Test func keepingNothingOrEverythingIsLegal() throws {
        #expect(try BandSplit(count: 0).keeps(height: 4, width: 4).allSatisfy { !$0 })
        #expect(try BandSplit(count: 16).keeps(height: 4, width: 4).allSatisfy(\.self))
        #expect(try BandSplit(mode: .dropLow, count: 16).keeps(height: 4, width: 4).allSatisfy { !$0 })
    }

    @Test(arguments: [-1, 17])
    func aCountOutsideTheGridIsRefused(count: Int) {
        #expect(throws: BandError.countOutOfRange(count: count, limit: 16)) {
            try BandSplit(count: count).keeps(height: 4, width: 4)
        }
    }

    @Test func aSquareCutNeedsASquareGrid() {
        #expect(throws: BandError.gridNotSquare(height: 4, width: 6)) {
            try BandSplit(cutoff: .map2DSquare, count: 4).keeps(height: 4, width: 6)
        }
    }

    @Test(arguments: BandMode.allCases)
    func aSquareCutNeedsASquareCount(mode: BandMode) {
        // Of 16, only 0 and 16 leave a square when they are dropped.
        let drops = mode == .dropLow || mode == .dropHigh
        #expect(throws: BandError.countNotSquare(count: 5, nearest: drops ? [0, 16] : [4, 9])) {
            try BandSplit(mode: mode, cutoff: .map2DSquare, count: 5).keeps(height: 4, width: 4)
        }
        #expect(throws: BandError.countNotSquare(count: 15, nearest: drops ? [0, 16] : [9, 16])) {
            try BandSplit(mode: mode, cutoff: .map2DSquare, count: 15).keeps(height: 4, width: 4)
        }
    }

    @Test func aDroppedSquareMustLeaveASquare() throws {
        #expect(throws: BandError.restNotSquare(count: 4, rest: 12, allowed: [0, 16])) {
            try BandSplit(mode: .dropHigh, cutoff: .map2DSquare, count: 4).keeps(height: 4, width: 4)
        }
        // 25 = 9 + 16: what is left is 4 x 4, top left or bottom right.
        let low = try BandSplit(mode: .dropHigh, cutoff: .map2DSquare, count: 9).keeps(height: 5, width: 5)
        #expect(low.indices.filter { low[$0] } == (0..<25).filter { $0 / 5 < 4 && $0 % 5 < 4 })
        let high = try BandSplit(mode: .dropLow, cutoff: .map2DSquare, count: 9).keeps(height: 5, width: 5)
        #expect(high.indices.filter { high[$0] } == (0..<25).filter { $0 / 5 > 0 && $0 % 5 > 0 })
    }
}

/// The first edition's rings against the authors' own masks and bands.
@Suite struct RingBandsTests {
    private struct Case: Sendable {
        let golden: String
        let channels: Int
        let schedule: [Float]
    }

    private static let cases = [
        Case(golden: "k2/expected-rocket", channels: 16, schedule: [0.32, 16]),
        Case(golden: "k4/expected-brick", channels: 24, schedule: [2, 6, 10, 16]),
    ]

    @Test(arguments: cases.indices)
    func radiiMasksAndBandsEqualTheAuthors(index: Int) throws {
        let example = Self.cases[index]
        let count = example.schedule.count
        let file = try SafetensorsFile(path: Fixtures.path("golden/first-edition/\(example.golden).safetensors"))
        func tensor(_ name: String) throws -> [Float] {
            try file.floats(name, shape: try #require(file.shape(of: name)))
        }
        let radii = RingSchedule.radii(example.schedule, height: 16, width: 16)
        #expect(try radii == tensor("radii"))
        // The authors' masks include both edges and begin at the frequency -8.
        let masks = try tensor("masks")
        for band in 0..<count {
            for cell in 0..<256 {
                let (y, x) = (Float(cell / 16 - 8), Float(cell % 16 - 8))
                let radius = (y * y + x * x).squareRoot()
                let isInside = radii[band] <= radius && radius <= radii[band + 1]
                #expect(masks[band * 256 + cell] == (isInside ? 1 : 0), "band \(band), cell \(cell)")
            }
        }
        let latent = try tensor("latent.pre_frequency")
        let rings = RingBands(transform: FFT2D(height: 16, width: 16), radii: radii)
        var bands = [Float](repeating: .nan, count: count * latent.count)
        var scratch = [Float](repeating: 0, count: rings.scratchCount)
        try bands.withUnsafeMutableBufferPointer { bands in
            try scratch.withUnsafeMutableBufferPointer { scratch in
                rings.split(
                    latent,
                    channels: example.channels,
                    into: try #require(bands.baseAddress),
                    stride: latent.count,
                    scratch: try #require(scratch.baseAddress)
                )
            }
        }
        #expect(try largestDifference(bands, tensor("bands.raw")) < 2e-5)
    }

    @Test func everyKindOfScheduleHasItsRadii() {
        func radii(_ schedule: [Float]) -> [Float] { RingSchedule.radii(schedule, height: 16, width: 16) }
        #expect(radii([0.32, 16]) == [0, 0.16, 8])
        #expect(radii([16, 4]) == [0, 6.4, 8])
        #expect(radii([3]) == [0, 8])
        #expect(radii([2, -5, 1]) == [0, 16 / 3, 16 / 3, 8])
        #expect(radii([0, -1]) == [0, 4, 8])
        #expect(radii([-1, 0, 0]) == [0, -8e6, 0, 0])
        #expect(RingSchedule.radii([1, 2], height: 9, width: 5) == [0, 1, 2])
    }

    @Test(arguments: [(4, 4), (5, 5), (16, 16), (9, 9)])
    func ringEnergiesSumToTheMapsEnergy(height: Int, width: Int) throws {
        let map = (0..<2 * height * width).map { Float(($0 * 7919) % 101) / 50 - 1 }
        let transform = FFT2D(height: height, width: width)
        for count in [1, 2, 3, 10] {
            let energies = ringEnergies(map, channels: 2, bandCount: count, transform: transform)
            let total = map.reduce(0.0) { $0 + Double($1) * Double($1) } / 2
            #expect(energies.count == count)
            #expect(abs(energies.reduce(0, +) - total) < 1e-4 * total)
        }
    }
}

@Suite struct RadialBandCountTests {
    @Test(arguments: zip([0, 1, 2, 3, 4, 5], [0, 28, 98, 214, 255, 255]))
    func fourBandsHoldTheAuthorsCounts(bands: Int, count: Int) {
        #expect(
            radialBandCoefficientCount(bands, numberOfBands: 4, schedule: nil, height: 16, width: 16) == count
        )
    }

    @Test func aScheduleIsRelativeToItsLargestMember() {
        // Only as many members as there are bands count.
        let three = radialBandCoefficientCount(1, numberOfBands: 3, schedule: [2, 5, 16], height: 16, width: 16)
        let two = radialBandCoefficientCount(1, numberOfBands: 2, schedule: [2, 5, 16], height: 16, width: 16)
        #expect(three < two)
        #expect(radialBandCoefficientCount(500, numberOfBands: 1000, schedule: nil, height: 16, width: 16) == 98)
        #expect(radialBandCoefficientCount(7, numberOfBands: 10, schedule: nil, height: 3, width: 3) == 4)
        #expect(radialBandCoefficientCount(1, numberOfBands: .max, schedule: nil, height: 3, width: 3) == 1)
        #expect(radialBandCoefficientCount(-1, numberOfBands: 3, schedule: [2], height: 16, width: 16) == 0)
    }
}

@Suite struct EnergySpectrumTests {
    @Test func energiesAndBandsEqualTheAuthors() throws {
        let golden = try Golden()
        let order = CoefficientOrder(.zigzag, height: 16, width: 16)
        let energies = try golden.coefficients().withUnsafeBufferPointer { buffer in
            coefficientEnergies(try #require(buffer.baseAddress), channels: 96, order: order)
        }
        for (energy, expected) in zip(energies, try golden.tensor("energy.coefficients")) {
            #expect(abs(energy - Double(expected)) <= 1e-4 * Double(expected))
        }
        let bands = try energyBands(energies, count: 10)
        for (band, expected) in zip(bands, try golden.tensor("energy.bands10")) {
            #expect(abs(band.fraction - Double(expected)) <= 1e-4 * Double(expected))
        }
        #expect(bands.map(\.coefficients.count) == [26, 26, 26, 26, 26, 26, 25, 25, 25, 25])
    }

    @Test(arguments: [0, 257])
    func anImpossibleNumberOfBandsIsRefused(count: Int) {
        #expect(throws: BandError.bandCountOutOfRange(count: count, limit: 256)) {
            try energyBands([Double](repeating: 1, count: 256), count: count)
        }
    }

    @Test func aBlackSpectrumHasNoFractions() throws {
        #expect(try energyBands([0, 0], count: 2).map(\.fraction) == [0, 0])
    }
}
