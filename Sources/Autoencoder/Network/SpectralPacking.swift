// SPDX-License-Identifier: Apache-2.0

import Foundation
import FrequencyBands
import TensorKernels

/// Lays an embedding and a picture into a latent's DCT coefficients, the most telling numbers into the lowest.
///
/// The picture's numbers are the DCT coefficients of its three colour planes over the whole area, in an order learned
/// from photographs. Both directions are exact and orthonormal, so a latent's error is the picture's error.
struct SpectralPacking: Sendable {
    let channels: Int
    let embeddingCount: Int
    /// Side in pixels of the picture.
    let side: Int
    /// Three planes of RGB: plane = colours[plane] · rgb; orthonormal.
    private let colours: [Float]
    /// Where in `[channels, gridSide²]` the embedding's components and the picture's coefficients lie.
    private let embeddingPlaces: [Int]
    private let picturePlaces: [Int]
    /// Which coefficient of `[3, side, side]` lies at each of `picturePlaces`.
    private let order: [Int]
    /// Where the slots of each of the grid's coefficients begin in `picturePlaces`.
    private let coefficientStarts: [Int]
    /// The place in `order` of each coefficient of `[3, side, side]`; `Int.max` for those that no slot holds.
    private let rank: [Int]
    /// The usual size of each coefficient of `[3, side, side]`.
    private let deviation: [Float]
    private let spectrum: SpectralTransform
    private let pictureSpectrum: SpectralTransform

    /// Root mean square of slots that count as empty: half of what rounding to bytes leaves in any photograph, and more
    /// than what half precision makes of a zero.
    private static let silence: Float = 2e-3

    private var latentCount: Int { embeddingPlaces.count + picturePlaces.count }
    private var tokenCount: Int { latentCount / channels }
    private var area: Int { side * side }

    /// Numbers of the three planes.
    var planeCount: Int { 3 * area }
    var workspaceCount: Int { Workspace.span(latentCount) }

    /// Packs a picture.
    ///
    /// - `planes`: `[3, side, side]`, standardised RGB; used up.
    /// - `embedding`: `[embeddingCount]`.
    /// - `latent`: `[channels, gridSide, gridSide]`.
    func pack(
        _ planes: UnsafeMutablePointer<Float>,
        embedding: UnsafePointer<Float>,
        into latent: UnsafeMutablePointer<Float>,
        team: ComputeTeam
    ) {
        turnColours(planes, transposed: false)
        forward(planes, team: team)
        for (place, index) in zip(picturePlaces, order) { latent[place] = planes[index] }
        for (place, value) in zip(embeddingPlaces, UnsafeBufferPointer(start: embedding, count: embeddingCount)) {
            latent[place] = value
        }
        team.forEachPart(of: channels) { first, count in
            let part = latent + first * tokenCount
            spectrum.inverseDCT2D(part, channels: count, into: part)
        }
    }

    /// The coefficients `[3, side, side]` of the picture that a latent holds; zero where it holds none.
    ///
    /// - Returns: how many of the picture's slots, from the lowest, the latent fills: up to the highest of its own
    ///   coefficients in which there is more than what a cut or half precision leaves of zero.
    func coefficients(
        of latent: UnsafePointer<Float>,
        into planes: UnsafeMutablePointer<Float>,
        workspace: Workspace,
        team: ComputeTeam
    ) -> Int {
        workspace.scope {
            let slots = workspace.take(latentCount)
            transform(latent, into: slots, team: team)
            planes.update(repeating: 0, count: planeCount)
            for (place, index) in zip(picturePlaces, order) { planes[index] = slots[place] }
            return filledCount(slots)
        }
    }

    private func filledCount(_ slots: UnsafePointer<Float>) -> Int {
        for first in coefficientStarts.indices.reversed() {
            let start = coefficientStarts[first]
            let end = first + 1 < coefficientStarts.count ? coefficientStarts[first + 1] : picturePlaces.count
            var energy: Float = 0
            for place in picturePlaces[start..<end] { energy += slots[place] * slots[place] }
            if energy > Self.silence * Self.silence * Float(end - start) { return end }
        }
        return 0
    }

    /// Each coefficient's share of its usual size, those beyond the first `count` slots dropped: `[3, side, side]`.
    func whiten(_ planes: UnsafePointer<Float>, count: Int, into white: UnsafeMutablePointer<Float>) {
        white.update(repeating: 0, count: planeCount)
        for index in order[..<count] { white[index] = planes[index] / deviation[index] }
    }

    /// Puts drawn coefficients, as shares of their usual size, where a latent holds none.
    func complete(_ planes: UnsafeMutablePointer<Float>, beyond count: Int, with drawn: UnsafePointer<Float>) {
        for index in 0..<planeCount where rank[index] >= count { planes[index] = drawn[index] * deviation[index] }
    }

    /// DCT coefficients of three planes to their values, in place.
    func inverse(_ planes: UnsafeMutablePointer<Float>, team: ComputeTeam) {
        team.forEach(3) { plane, _ in
            pictureSpectrum.inverseDCT2D(planes + plane * area, channels: 1, into: planes + plane * area)
        }
    }

    /// Values of three planes to their DCT coefficients, in place.
    func forward(_ planes: UnsafeMutablePointer<Float>, team: ComputeTeam) {
        team.forEach(3) { plane, _ in
            pictureSpectrum.dct2D(planes + plane * area, channels: 1, into: planes + plane * area)
        }
    }

    /// The picture `[side, side, 3]`, standardised RGB, of planes' coefficients; uses the planes up.
    func picture(
        of planes: UnsafeMutablePointer<Float>,
        into picture: UnsafeMutablePointer<Float>,
        team: ComputeTeam
    ) {
        inverse(planes, team: team)
        turnColours(planes, transposed: true)
        transpose(planes, rows: 3, columns: area, into: picture)
    }

    /// The embedding `[embeddingCount]` that a latent holds.
    func unpackEmbedding(
        _ latent: UnsafePointer<Float>,
        into embedding: UnsafeMutablePointer<Float>,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        workspace.scope {
            let coefficients = workspace.take(latentCount)
            transform(latent, into: coefficients, team: team)
            for (index, place) in embeddingPlaces.enumerated() { embedding[index] = coefficients[place] }
        }
    }

    private func transform(
        _ latent: UnsafePointer<Float>,
        into slots: UnsafeMutablePointer<Float>,
        team: ComputeTeam
    ) {
        team.forEachPart(of: channels) { first, count in
            let offset = first * tokenCount
            spectrum.dct2D(latent + offset, channels: count, into: slots + offset)
        }
    }

    /// Multiplies each pixel's colours by the orthonormal matrix or by its inverse, in place.
    private func turnColours(_ planes: UnsafeMutablePointer<Float>, transposed: Bool) {
        let m = transposed ? (0..<9).map { colours[$0 % 3 * 3 + $0 / 3] } : colours
        let (first, second, third) = (planes, planes + area, planes + 2 * area)
        let (m0, m1, m2, m3, m4, m5, m6, m7, m8) = (m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8])
        for index in 0..<area {
            let (a, b, c) = (first[index], second[index], third[index])
            first[index] = m0 * a + m1 * b + m2 * c
            second[index] = m3 * a + m4 * b + m5 * c
            third[index] = m6 * a + m7 * b + m8 * c
        }
    }
}

extension SpectralPacking {
    /// Names: `packing.colours` `[3, 3]`, `packing.order` `[slots of the picture]`: indices into `[3, side, side]`,
    /// `packing.decay` `[3, 2]`: a coefficient's usual size is e^(decay₀ + decay₁ ln(r + 2)), r its distance from (0, 0).
    init(
        _ reader: WeightReader,
        _ packing: PackingConfiguration,
        configuration: ModelConfiguration,
        spectrum: SpectralTransform,
        pictureSpectrum: SpectralTransform
    ) throws(ModelError) {
        channels = configuration.channels
        side = configuration.imageSide
        embeddingCount = packing.embeddingCount
        self.spectrum = spectrum
        self.pictureSpectrum = pictureSpectrum
        let grid = configuration.gridSide
        let order = CoefficientOrder(configuration.frequency.order, height: grid, width: grid)
        (embeddingPlaces, picturePlaces) = packing.places(channels: configuration.channels, order: order.indices)
        var (starts, slots) = ([Int](), 0)
        for index in order.indices.indices {
            starts.append(slots)
            slots += channels - (index < packing.embeddingChannels.count ? packing.embeddingChannels[index] : 0)
        }
        coefficientStarts = starts
        colours = try reader.tensor("packing.colours", shape: [3, 3])
        let stored = try reader.tensor("packing.order", shape: [picturePlaces.count])
        self.order = try Self.order(stored, count: 3 * side * side)
        rank = Self.rank(of: self.order, count: 3 * side * side)
        deviation = Self.deviation(decay: try reader.tensor("packing.decay", shape: [3, 2]), side: side)
    }

    private static func rank(of order: [Int], count: Int) -> [Int] {
        var rank = [Int](repeating: .max, count: count)
        for (place, index) in order.enumerated() { rank[index] = place }
        return rank
    }

    private static func deviation(decay: [Float], side: Int) -> [Float] {
        var deviation: [Float] = []
        deviation.reserveCapacity(3 * side * side)
        for plane in 0..<3 {
            for row in 0..<side {
                for column in 0..<side {
                    let distance = Float(row * row + column * column).squareRoot()
                    deviation.append(exp(decay[2 * plane] + decay[2 * plane + 1] * log(distance + 2)))
                }
            }
        }
        return deviation
    }

    /// Floats that must be different whole numbers below `count`.
    private static func order(_ stored: [Float], count: Int) throws(ModelError) -> [Int] {
        var seen = [Bool](repeating: false, count: count)
        var order: [Int] = []
        order.reserveCapacity(stored.count)
        for (place, value) in stored.enumerated() {
            guard let index = Int(exactly: value), index >= 0, index < count, !seen[index] else {
                throw .packingOrder(place: place, value: value, limit: count)
            }
            seen[index] = true
            order.append(index)
        }
        return order
    }
}
