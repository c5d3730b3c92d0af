// SPDX-License-Identifier: Apache-2.0

import FrequencyBands
import TensorKernels

/// Puts an embedding and an image into a latent's DCT coefficients, the most informative numbers into the lowest.
///
/// The image's numbers are the DCT coefficients of its three colour planes over the whole area, in an order learned
/// from photographs. Both directions are exact and orthonormal, so an error in the latent is an error of the same size
/// in the image.
struct DCTPacking: Sendable {
    let channels: Int
    let embeddingCount: Int
    /// Side in pixels of the image.
    let side: Int
    /// From the encoder's standardised colours to the planes, and from the planes to the decoder's standardised RGB.
    let colours: (split: ImageDCT.Colours, join: ImageDCT.Colours)
    /// Where in `[channels, gridSide²]` the embedding's components and the image's coefficients lie.
    let embeddingPlaces: [Int]
    let imagePlaces: [Int]
    /// Which of the image's coefficients, as its transform lays them out, lies at each of `imagePlaces`.
    let order: [Int]
    /// Where the slots of each of the grid's coefficients begin in `imagePlaces`.
    let coefficientStarts: [Int]
    /// The place in `order` of each of the image's coefficients; `Int.max` for those that no slot holds.
    let rank: [Int]
    /// The usual size of each of the image's coefficients.
    let deviation: [Float]
    let dct: DCT2D
    /// Of the coefficients that slots hold, and of all.
    let held: ImageDCT
    let whole: ImageDCT

    /// Root mean square of slots that count as empty: half of what rounding to bytes leaves in any photograph, and more
    /// than what half precision makes of a zero.
    private static let silence: Float = 2e-3

    /// Numbers of a latent.
    var latentCount: Int { embeddingPlaces.count + imagePlaces.count }
    private var tokenCount: Int { latentCount / channels }
    private var area: Int { side * side }

    /// Numbers of the three planes.
    var planeCount: Int { 3 * area }

    /// Packs an image.
    ///
    /// - `image`: `[side, side, 3]`, as the encoder gets it.
    /// - `embedding`: `[embeddingCount]`.
    /// - `latent`: `[channels, gridSide, gridSide]`.
    func pack(
        _ image: UnsafePointer<Float>,
        embedding: UnsafePointer<Float>,
        into latent: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        context.scope {
            let planes = context.take(planeCount)
            held.forward(image, colours: colours.split, into: planes, in: context)
            context.forEachPart(of: order.count) { first, count in
                for slot in first..<first + count { latent[imagePlaces[slot]] = planes[order[slot]] }
            }
        }
        context.compute {
            for (index, place) in embeddingPlaces.enumerated() { latent[place] = embedding[index] }
        }
        context.forEachPart(of: channels) { first, count in
            let part = latent + first * tokenCount
            dct.inverse(part, channels: count, into: part)
        }
    }

    /// The image's coefficients that a latent holds; zero where it holds none.
    ///
    /// - Returns: how many of the image's slots, from the lowest, the latent fills: up to the highest of its own
    ///   coefficients in which there is more than what a cut or half precision leaves of zero.
    func coefficients(
        of latent: UnsafePointer<Float>,
        into planes: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) -> Int {
        context.scope {
            let slots = context.take(latentCount)
            transform(latent, into: slots, in: context)
            context.compute { planes.update(repeating: 0, count: planeCount) }
            context.forEachPart(of: order.count) { first, count in
                for slot in first..<first + count { planes[order[slot]] = slots[imagePlaces[slot]] }
            }
            return context.compute(whenMeasuring: imagePlaces.count) { filledCount(slots) }
        }
    }

    private func filledCount(_ slots: UnsafePointer<Float>) -> Int {
        for first in coefficientStarts.indices.reversed() {
            let start = coefficientStarts[first]
            let end = first + 1 < coefficientStarts.count ? coefficientStarts[first + 1] : imagePlaces.count
            var energy: Float = 0
            for place in imagePlaces[start..<end] { energy += slots[place] * slots[place] }
            if energy > Self.silence * Self.silence * Float(end - start) { return end }
        }
        return 0
    }

    /// Each coefficient's share of its usual size, those beyond the first `count` slots dropped.
    func whiten(
        _ planes: UnsafePointer<Float>,
        count: Int,
        into white: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        context.forEachPart(of: planeCount) { first, length in
            for index in first..<first + length {
                white[index] = rank[index] < count ? planes[index] / deviation[index] : 0
            }
        }
    }

    /// Fills the coefficients that a latent does not hold with the network's, given as shares of their usual size.
    func complete(
        _ planes: UnsafeMutablePointer<Float>,
        beyond count: Int,
        with drawn: UnsafePointer<Float>,
        in context: ComputeContext
    ) {
        context.forEachPart(of: planeCount) { first, length in
            for index in first..<first + length where rank[index] >= count {
                planes[index] = drawn[index] * deviation[index]
            }
        }
    }

    /// The coefficients of the network's output `[side, side, 3]`.
    func coefficients(
        ofDrawn drawn: UnsafePointer<Float>,
        into planes: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        whole.forward(drawn, colours: .unchanged, into: planes, in: context)
    }

    /// The network's input `[side, side, 3]`: the planes of the coefficients that the latent holds.
    func drawable(
        _ planes: UnsafePointer<Float>,
        into image: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        held.inverse(planes, colours: .unchanged, into: image, in: context)
    }

    /// The image `[side, side, 3]`, standardised RGB, of all coefficients.
    func image(
        of planes: UnsafePointer<Float>,
        into image: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        whole.inverse(planes, colours: colours.join, into: image, in: context)
    }

    /// The embedding `[embeddingCount]` that a latent holds.
    func unpackEmbedding(
        _ latent: UnsafePointer<Float>,
        into embedding: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        context.scope {
            let coefficients = context.take(latentCount)
            transform(latent, into: coefficients, in: context)
            context.compute {
                for (index, place) in embeddingPlaces.enumerated() { embedding[index] = coefficients[place] }
            }
        }
    }

    private func transform(
        _ latent: UnsafePointer<Float>,
        into slots: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        context.forEachPart(of: channels) { first, count in
            let offset = first * tokenCount
            dct.forward(latent + offset, channels: count, into: slots + offset)
        }
    }
}
