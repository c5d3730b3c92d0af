// SPDX-License-Identifier: Apache-2.0

import Fixtures
import FrequencyBands
import TensorFiles
import Testing

@Suite struct CoefficientOrderTests {
    // The authors walk diagonals the other way round from JPEG's zigzag.
    @Test(arguments: [
        (side: 1, expected: [0]),
        (side: 2, expected: [0, 1, 2, 3]),
        (side: 3, expected: [0, 1, 3, 6, 4, 2, 5, 7, 8]),
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
    let transform = SpectralTransform(height: 16, width: 16)

    init() throws {
        file = try SafetensorsFile(path: Fixtures.path("golden/dinov2/expected-chelsea.safetensors"))
    }

    func tensor(_ name: String) throws -> [Float] {
        try file.floats(name, shape: try #require(file.shape(of: name)))
    }

    func coefficients() throws -> [Float] {
        var coefficients = try tensor("latent.full")
        coefficients.withUnsafeMutableBufferPointer { buffer in
            if let base = buffer.baseAddress { transform.dct2D(base, channels: channels, into: base) }
        }
        return coefficients
    }

    func latent(keeping split: BandSplit) throws -> [Float] {
        var grid = try coefficients()
        let keeps = try split.keeps(height: 16, width: 16)
        for index in grid.indices where !keeps[index % 256] { grid[index] = 0 }
        grid.withUnsafeMutableBufferPointer { buffer in
            if let base = buffer.baseAddress { transform.inverseDCT2D(base, channels: channels, into: base) }
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
        ("square8", BandSplit(cutoff: .map2DSquare, count: 8)),
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

    @Test func aSquareLargerThanTheGridIsRefused() {
        #expect(throws: BandError.countOutOfRange(count: 5, limit: 4)) {
            try BandSplit(cutoff: .map2DSquare, count: 5).keeps(height: 4, width: 6)
        }
    }

    @Test func aSquareHasNoHighestCoefficients() {
        #expect(throws: BandError.modeNeedsOrder(.high)) {
            try BandSplit(mode: .high, cutoff: .map2DSquare, count: 2).keeps(height: 4, width: 4)
        }
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
