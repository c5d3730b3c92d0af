// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands

/// What `/decode` shows instead of reconstructions: `keep_from` with `keep_to`, `band` or `mix`.
enum BandSelection: Sendable {
    static let names = ["keep_from", "keep_to", "band", "mix"]

    /// What the coefficients `from` to `to - 1` of an order add to an image.
    case range(from: Int, to: Int, order: FrequencyOrder)
    /// What one FFT band adds.
    case band(Int)
    /// The image of two latents: the coefficients that the split keeps from the first, the others from the second.
    case mixture(BandSplit)

    /// The values of `mix` before the colon.
    private enum Share: String, CaseIterable {
        case low
        case high

        var mode: BandMode { self == .low ? .low : .high }
    }

    /// - Parameters:
    ///   - given: the request's parameters.
    ///   - cut: those of them that make a cut; only an order goes with a selection.
    ///   - model: the model's sizes.
    /// - Returns: nil if none of the four is given.
    /// - Throws: a `Problem` of kind `bad-parameter`, or `feature-unavailable` for bands of a model without them.
    static func read(
        _ given: ParameterSet,
        cut: CutParameters,
        model: ModelConfiguration
    ) throws(Problem) -> BandSelection? {
        guard let name = names.first(where: { given.text($0) != nil }) else { return nil }
        try refuseOthers(than: name, given)
        let order = cut.order ?? model.frequency.order
        switch name {
        case "band": return try band(given, model)
        case "mix": return try mixture(given, order, tokenCount: model.tokenCount)
        default: return try range(given, order, tokenCount: model.tokenCount)
        }
    }

    /// Refuses parameters that ask for something else at the same time.
    private static func refuseOthers(than name: String, _ given: ParameterSet) throws(Problem) {
        var others = [
            "keep", "band_mode", "cutoff_mode", "freq_ratio", "decode_keep_count", "band", "mix",
        ].filter { $0 != name && given.text($0) != nil }
        if try given.boolean("decode_from_split_band") == true { others.append("decode_from_split_band") }
        if try given.boolean("apply_frequency") == false { others.append("apply_frequency") }
        // FFT bands have an order of their own.
        if name == "band", given.text("freq_order") != nil { others.append("freq_order") }
        if name == "mix", try given.boolean("with_input") == true { others.append("with_input") }
        if let other = others.first { throw .conflict(name, "it cannot be combined with \(other)") }
    }

    private static func range(
        _ given: ParameterSet,
        _ order: FrequencyOrder,
        tokenCount: Int
    ) throws(Problem) -> BandSelection {
        let from = try given.integer("keep_from", in: 0...tokenCount - 1)
        let to = try given.integer("keep_to", in: 1...tokenCount)
        guard let from else { throw .conflict("keep_to", "it needs keep_from, the first coefficient of the range") }
        guard let to else { throw .conflict("keep_from", "it needs keep_to, the coefficient after the last one") }
        guard from < to else {
            throw .badParameter(
                "keep_to",
                String(to),
                allowed: "an integer from \(from + 1) to \(tokenCount), more than keep_from"
            )
        }
        return .range(from: from, to: to, order: order)
    }

    private static func band(_ given: ParameterSet, _ model: ModelConfiguration) throws(Problem) -> BandSelection {
        guard let bands = model.frequency.bands else {
            throw .featureUnavailable(
                "band needs FFT bands, which this model does not have; keep_from and keep_to choose a range of "
                    + "coefficients of any model.",
                missing: "fft-bands"
            )
        }
        let text = given.text("band") ?? ""
        guard let band = Int(strict: text), bands.schedule.indices.contains(band) else {
            throw .bandOutOfRange(text, count: bands.schedule.count)
        }
        return .band(band)
    }

    private static func mixture(
        _ given: ParameterSet,
        _ order: FrequencyOrder,
        tokenCount: Int
    ) throws(Problem) -> BandSelection {
        let text = given.text("mix") ?? ""
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let share = Share(rawValue: String(parts[0])), let count = Int(strict: parts[1]),
            (0...tokenCount).contains(count)
        else {
            throw .badParameter("mix", text, allowed: "low:K or high:K with K from 0 to \(tokenCount)")
        }
        return .mixture(BandSplit(mode: share.mode, order: order, count: count))
    }

    /// The parameter that asks for it.
    var name: String {
        switch self {
        case .range: "keep_from"
        case .band: "band"
        case .mixture: "mix"
        }
    }

    /// What the image was decoded from.
    func latent(of model: ModelConfiguration) -> DecodedLatent {
        let part: [(name: String, value: DecodedLatent.Value)]
        var (order, count): (FrequencyOrder?, Int) = (nil, model.tokenCount)
        switch self {
        case .range(let from, let to, let ownOrder):
            part = [("keep_from", .integer(from)), ("keep_to", .integer(to))]
            (order, count) = (ownOrder, to - from)
        case .band(let band):
            // Mixing and denoiser spread a band over the whole latent.
            part = [("band", .integer(band))]
        case .mixture(let split):
            part = [("mix", .text("\(split.mode.rawValue):\(split.count)"))]
            order = split.order
        }
        let counting = order.map { [(name: "order", value: $0.rawValue)] } ?? []
        return DecodedLatent(part, counting: counting, coefficientCount: count, of: model)
    }
}

extension Problem {
    static func bandOutOfRange(_ value: String, count: Int) -> Problem {
        .badParameter("band", value, allowed: "a band of this model, 0 to \(count - 1)")
    }
}
