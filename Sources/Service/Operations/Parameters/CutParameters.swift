// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands

/// Which frequencies of a latent are kept: `keep`, `band_mode`, `freq_order`, `cutoff_mode`, `freq_ratio`,
/// `apply_frequency`.
struct CutParameters: Sendable {
    static let names = ["keep", "band_mode", "freq_order", "cutoff_mode", "freq_ratio", "apply_frequency"]

    // nil: the model's own applies.
    private(set) var keep: Int?
    /// The counts of a list, each of which makes a result of its own; nil: `keep` is no list.
    private(set) var levels: [Int]?
    let bandMode: BandMode?
    let order: FrequencyOrder?
    let cutoff: CutoffMode?
    /// The authors' `freq_ratio`, for models with FFT bands.
    let frequencyRatio: Float?
    /// Whether the model's frequency module runs; nil means yes, as the authors' `apply_frequency`.
    let appliesFrequency: Bool?
    /// The model's own setting.
    let model: FrequencyConfiguration

    /// Whether the request describes a cut of its own.
    var isGiven: Bool { keep != nil || levels != nil || bandMode != nil || order != nil || cutoff != nil }

    /// Reads the parameters; `keep` may be a list if `takesLevels`.
    init(_ given: ParameterSet, model: ModelConfiguration, takesLevels: Bool = false) throws(Problem) {
        self.model = model.frequency
        if let text = given.list("keep") {
            guard takesLevels else {
                throw .badParameter("keep", text, allowed: "one number; only /decode takes a list")
            }
            levels = try Self.levels(text, coefficientCount: model.tokenCount)
        } else {
            keep = try given.text("keep").map { text throws(Problem) in
                try Self.count(text, coefficientCount: model.tokenCount)
            }
        }
        bandMode = try given.choice("band_mode", BandMode.self)
        order = try given.choice("freq_order", FrequencyOrder.self)
        cutoff = try given.choice("cutoff_mode", CutoffMode.self)
        appliesFrequency = try given.boolean("apply_frequency")
        frequencyRatio = try given.number("freq_ratio", in: 0...1).map { Float($0) }
        if appliesFrequency == false, isGiven {
            throw .conflict("apply_frequency", "false means no cut, so keep, band_mode and the like must be left out")
        }
    }

    /// Reads a number of coefficients and checks its range.
    ///
    /// The engine checks it together with the mode, the cutoff and the grid.
    private static func count(_ text: some StringProtocol, coefficientCount: Int) throws(Problem) -> Int {
        guard let count = Int(strict: text) else { throw .keepOutOfRange(String(text), limit: coefficientCount) }
        do {
            try BandSplit.check(count: count, coefficientCount: coefficientCount)
        } catch {
            throw error.problem
        }
        return count
    }

    /// Reads the numbers of a list, in their order.
    private static func levels(_ list: String, coefficientCount: Int) throws(Problem) -> [Int] {
        var levels: [Int] = []
        for part in list.bracketless.split(separator: ",", omittingEmptySubsequences: false) {
            let number = part.trimmingSpaces
            guard Int(strict: number) != nil else {
                throw .badParameter(
                    "keep",
                    list,
                    allowed: "integers from 0 to \(coefficientCount) separated by commas"
                )
            }
            levels.append(try count(number, coefficientCount: coefficientCount))
        }
        return levels
    }

    /// The same parameters with one number of coefficients, as if it had been given alone.
    func at(_ level: Int) -> CutParameters {
        var single = self
        (single.keep, single.levels) = (level, nil)
        return single
    }

    /// The cut to make: the request's own parameters over the model's setting.
    ///
    /// - Parameter own: the cut where the request describes none.
    /// - Returns: nil for no cut.
    /// - Throws: a `Problem` of kind `bad-parameter`.
    func split(byDefault own: BandSplit?) throws(Problem) -> BandSplit? {
        if appliesFrequency == false { return nil }
        guard isGiven else { return own }
        guard let count = keep ?? model.count else {
            throw .conflict("keep", "this model makes no cut of its own, so the number of coefficients must be given")
        }
        let own = model.split
        return BandSplit(
            mode: bandMode ?? own?.mode ?? .low,
            order: order ?? own?.order ?? model.order,
            cutoff: cutoff ?? own?.cutoff ?? .reorder1D,
            count: count
        )
    }
}

extension AutoencoderTask {
    /// A task with what the parameters of cut and normalisation say.
    init(_ input: Input, _ outputs: Outputs, cut: CutParameters, split: BandSplit?, isNormalized: Bool) {
        self.init(input: input, outputs: outputs)
        self.cut = split.map(CoefficientCut.split)
        latentIsNormalized = !input.isPixels && isNormalized
        normalizeLatent = isNormalized
        // As in the authors' code, a ratio turns the module on again.
        bands = cut.frequencyRatio.map(KeptBands.ratio) ?? (cut.appliesFrequency == false ? nil : .all)
    }
}
