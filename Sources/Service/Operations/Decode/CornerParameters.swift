// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands

/// The authors' compact decode, from one corner of the latent's tokens: `decode_from_split_band`, `decode_keep_count`.
struct CornerParameters: Sendable {
    static let names = ["decode_from_split_band", "decode_keep_count"]

    /// nil: as the model's configuration says.
    let decodesFromSplitBand: Bool?
    /// A square number of tokens.
    let keepCount: Int?

    init(_ given: ParameterSet, coefficientCount: Int) throws(Problem) {
        decodesFromSplitBand = try given.boolean("decode_from_split_band")
        keepCount = try given.integer("decode_keep_count", in: 1...coefficientCount)
        guard let keepCount else { return }
        if decodesFromSplitBand == false {
            throw .conflict("decode_keep_count", "it needs decode_from_split_band=true")
        }
        guard squareRoot(keepCount) != nil else {
            let nearest = nearestSquares(to: keepCount, limit: coefficientCount)
            throw .notSquare("decode_keep_count", keepCount, nearest: nearest)
        }
    }
}

extension Decode {
    static func compactPosition(
        _ given: ParameterSet,
        _ frequency: FrequencyConfiguration
    ) throws(Problem) -> TokenCorner.Position? {
        let isSquare = try (given.choice("cutoff_mode", CutoffMode.self) ?? frequency.cutoff) == .map2DSquare
        let isAsked = try given.boolean("decode_from_split_band") ?? (given.text("decode_keep_count") != nil)
        guard isSquare || isAsked else { return nil }
        let mode = try given.choice("band_mode", BandMode.self) ?? frequency.mode
        return TokenCorner(mode: mode, side: 0).position
    }

    /// The corner of tokens that is decoded: the authors' `decode_from_split_band`.
    ///
    /// Where the authors' decoder remembers the count of its last encode, ours takes the request's own: requests share
    /// nothing.
    ///
    /// - Returns: nil to decode all tokens.
    /// - Throws: a `Problem` of kind `bad-parameter` if the number of tokens is not a square.
    func decodedCorner(_ split: BandSplit?) throws(Problem) -> TokenCorner? {
        let (frequency, configuration) = (cut.model, model.configuration)
        let isAsked = corner.decodesFromSplitBand ?? (corner.keepCount != nil ? true : nil)
        guard isAsked ?? (frequency.decodeCount != nil && frequency.decodesCorner) else { return nil }
        // An error of the cut is reported first: its drop modes allow few counts.
        do {
            _ = try split?.keeps(height: configuration.gridSide, width: configuration.gridSide)
        } catch {
            throw error.problem
        }
        let mode = cut.bandMode ?? frequency.mode
        var count = corner.keepCount
        if count == nil, cut.keep == nil { count = frequency.decodeCount }
        if count == nil, let cut = cut.keep ?? frequency.count {
            count = mode == .low || mode == .high ? cut : configuration.tokenCount - cut
        }
        guard let count else {
            throw .conflict("decode_from_split_band", "this model has no cut, so give keep or decode_keep_count")
        }
        guard let side = squareRoot(count), side > 0 else { throw notSquare(count) }
        return TokenCorner(mode: mode, side: side)
    }

    private func notSquare(_ count: Int) -> Problem {
        let total = model.configuration.tokenCount
        let nearest = nearestSquares(to: max(count, 1), limit: total).filter { $0 > 0 }
        guard let keep = cut.keep, keep == total - count else {
            return .notSquare(corner.keepCount == nil ? "keep" : "decode_keep_count", count, nearest: nearest)
        }
        let allowed = nearest.map { "\(total - $0) (\($0) remain)" }.joined(separator: " or ")
        return .badParameter(
            "keep",
            String(keep),
            allowed: "a number that leaves a square number, such as \(allowed)"
        )
    }

    /// A block of tokens in a request was cut before; parameters that do not agree with its size are refused.
    func checkCompactTokens(_ tokens: TokenCorner) throws(Problem) {
        let count = tokens.side * tokens.side
        if corner.decodesFromSplitBand == false {
            throw .conflict(
                "decode_from_split_band",
                "false means a whole latent, and a block of \(tokens.side)x\(tokens.side) tokens was sent"
            )
        }
        if cut.order != nil { throw .conflict("freq_order", "a block of tokens has had its cut") }
        for (name, given) in [("keep", cut.keep), ("decode_keep_count", corner.keepCount)] {
            if let given, given != count {
                throw .badParameter(name, String(given), allowed: "\(count), the tokens that were sent")
            }
        }
    }
}
