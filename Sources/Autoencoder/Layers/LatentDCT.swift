// SPDX-License-Identifier: Apache-2.0

import FrequencyBands
import TensorKernels

/// The latent's DCT: band cuts, frequency tokens and energies.
struct LatentDCT: Sendable {
    let channels: Int
    let gridSide: Int
    let dct: DCT2D
    /// The model's own order, in which frequency tokens and energies are listed.
    let order: CoefficientOrder
    private let defaultCut: CoefficientCut?
    private let defaultKept: [Bool]

    private var tokenCount: Int { gridSide * gridSide }

    init(channels: Int, dct: DCT2D, order: FrequencyOrder, split: BandSplit?) throws(BandError) {
        self.channels = channels
        self.dct = dct
        gridSide = dct.height
        self.order = CoefficientOrder(order, height: gridSide, width: gridSide)
        defaultCut = split.map(CoefficientCut.split)
        defaultKept = try split?.keeps(height: gridSide, width: gridSide) ?? []
    }

    /// Whether a cut keeps each coefficient.
    func kept(by cut: CoefficientCut) throws(BandError) -> [Bool] {
        cut == defaultCut ? defaultKept : try cut.keeps(height: gridSide, width: gridSide)
    }

    /// Drops coefficients of a latent `[channels, gridSide, gridSide]` in place.
    func cut(_ latent: UnsafeMutablePointer<Float>, keeping kept: [Bool], in context: ComputeContext) {
        guard !kept.allSatisfy(\.self) else { return }
        context.forEachPart(of: channels) { first, count in
            cut(latent + first * tokenCount, channels: count, keeping: kept)
        }
    }

    private func cut(_ part: UnsafeMutablePointer<Float>, channels: Int, keeping kept: [Bool]) {
        dct.forward(part, channels: channels, into: part)
        kept.withUnsafeBufferPointer { kept in
            for channel in 0..<channels {
                let coefficients = part + channel * tokenCount
                for index in 0..<tokenCount where !kept[index] { coefficients[index] = 0 }
            }
        }
        dct.inverse(part, channels: channels, into: part)
    }

    /// Replaces the coefficients of a latent that `kept` names by those of another.
    ///
    /// The transform is linear, so this adds what the cut leaves of the difference: one transform each way instead of
    /// three, and none where all or no coefficients are replaced.
    ///
    /// - `other`: `[channels, gridSide, gridSide]`; holds no latent afterwards.
    func mix(
        _ other: UnsafeMutablePointer<Float>,
        into latent: UnsafeMutablePointer<Float>,
        replacing kept: [Bool],
        in context: ComputeContext
    ) {
        guard kept.contains(true) else { return }
        let replacesAll = kept.allSatisfy(\.self)
        context.forEachPart(of: channels) { first, count in
            let (offset, length) = (first * tokenCount, count * tokenCount)
            let (part, target) = (other + offset, latent + offset)
            if replacesAll {
                target.update(from: part, count: length)
                return
            }
            for index in 0..<length { part[index] -= target[index] }
            cut(part, channels: count, keeping: kept)
            for index in 0..<length { target[index] += part[index] }
        }
    }

    /// The coefficients `[channels, gridSide, gridSide]` of a latent.
    func transform(
        _ latent: UnsafePointer<Float>,
        into coefficients: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        context.forEachPart(of: channels) { first, count in
            let offset = first * tokenCount
            dct.forward(latent + offset, channels: count, into: coefficients + offset)
        }
    }

    /// The lowest `count` coefficients of each channel in the model's order: `[channels, count]`.
    func tokens(
        of coefficients: UnsafePointer<Float>,
        count: Int,
        into tokens: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        context.compute {
            for channel in 0..<channels {
                for place in 0..<count {
                    tokens[channel * count + place] = coefficients[channel * tokenCount + order.indices[place]]
                }
            }
        }
    }

    /// The latent whose lowest coefficients are `tokens` `[channels, count]` and whose others are zero.
    func latent(
        of tokens: UnsafePointer<Float>,
        count: Int,
        into latent: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        context.compute {
            latent.update(repeating: 0, count: channels * tokenCount)
            for channel in 0..<channels {
                for place in 0..<count {
                    latent[channel * tokenCount + order.indices[place]] = tokens[channel * count + place]
                }
            }
        }
        context.forEachPart(of: channels) { first, count in
            let part = latent + first * tokenCount
            dct.inverse(part, channels: count, into: part)
        }
    }
}
