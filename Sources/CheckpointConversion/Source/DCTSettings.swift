// SPDX-License-Identifier: Apache-2.0

package import Autoencoder
import FrequencyBands

/// The `frequency_config` of the 2026 (DCT) edition, resolved for one grid.
///
/// - Source: docs/model.md, "Frequency settings". Members that only training uses are checked if the authors' code
///   checks them, and otherwise ignored.
package struct DCTSettings: Equatable {
    /// `none` where the model has no frequency module.
    package let frequency: ModelDescription.Frequency
    /// What a person should know, such as a setting that is random in the authors' code.
    package let notes: [String]

    /// - Parameters:
    ///   - value: the member `frequency_config`; null for an absent one.
    ///   - gridSide: side of the latent's grid.
    /// - Throws: `FrequencySettingError`, in the authors' words.
    package init(_ value: SettingValue, gridSide: Int) throws(FrequencySettingError) {
        switch value {
        case .null, .map: break
        case .bool, .integer, .number, .text, .list:
            throw .notAMap(member: "frequency_config", found: value.spelled)
        }
        let transform = value.given("freq_transform")?.spelled.lowercased() ?? "none"
        guard transform == "dct" || transform == "none" else { throw .unknownTransform(transform) }
        let orderName = value.given("freq_order")?.spelled.lowercased() ?? "zigzag"
        guard let order = FrequencyOrder(rawValue: orderName) else { throw .unknownOrder(orderName) }
        var split = SettingValue.map([])
        if let given = value["band_split"] {
            guard case .map = given else { throw .notAMap(member: "band_split", found: given.spelled) }
            split = given
        }
        let cut = try BandSplitSettings(split, parent: value, gridSide: gridSide)
        var notes: [String] = []
        if let given = cut.givenCount, given != cut.count {
            notes.append("band_split.count is \(given); as in the authors' code it counts as \(cut.count).")
        }
        let (decodeCount, decodesCorner) = try cut.compactDecode(isDCT: transform == "dct", notes: &notes)
        self.notes = notes
        guard transform == "dct" else {
            frequency = .none
            return
        }
        guard cut.isEnabled, let mode = cut.mode else {
            frequency = .dct(order: order, cutoff: cut.cutoff, mode: .low, count: nil, decodeCount: nil)
            return
        }
        try cut.checkSquares()
        frequency = .dct(
            order: order,
            cutoff: cut.cutoff,
            mode: mode,
            count: cut.count,
            decodeCount: decodeCount,
            decodesCorner: decodesCorner
        )
    }
}

/// The `band_split` of a `frequency_config`.
private struct BandSplitSettings {
    let isEnabled: Bool
    /// nil for `none` and `all`: nothing is cut.
    let mode: BandMode?
    let modeName: String
    let cutoff: CutoffMode
    /// Coefficients that the mode keeps or drops, 0...total.
    let count: Int
    private let split: SettingValue
    private let gridSide: Int
    private let isCountGiven: Bool
    /// The count in the settings, before it is clamped; nil if another member gives the count.
    let givenCount: Int?

    private var total: Int { gridSide * gridSide }
    /// Coefficients that are kept.
    private var keptCount: Int { mode == .dropLow || mode == .dropHigh ? total - count : count }

    init(_ split: SettingValue, parent: SettingValue, gridSide: Int) throws(FrequencySettingError) {
        self.split = split
        self.gridSide = gridSide
        isEnabled = split["enabled"]?.isTrue ?? false
        modeName = (split["mode"]?.spelled ?? "low").lowercased()
        switch modeName {
        case "low", "keep_low": mode = .low
        case "high", "keep_high": mode = .high
        case "drop_low": mode = .dropLow
        case "drop_high": mode = .dropHigh
        case "none", "all": mode = nil
        default: throw .unknownMode(modeName)
        }
        let cutoffName = (Self.first(["cutoff_mode", "cutoff", "cutoff_type"], of: split)?.spelled ?? "reorder_1d")
            .lowercased()
        switch cutoffName {
        case "reorder_1d", "1d", "token_1d", "flat_1d": cutoff = .reorder1D
        case "map2d_square", "2d", "2d_square", "map2d", "dct2d": cutoff = .map2DSquare
        default: throw .unknownCutoff(cutoffName)
        }
        try Self.checkProbability("frequency_config.band_split.apply_prob", ["apply_prob", "prob"], of: split)
        let total = gridSide * gridSide
        let numberOfBands = try Self.integer("freq_num_bands", parent["freq_num_bands"]) ?? 2
        guard numberOfBands >= 1 else { throw .bandNumberTooSmall(numberOfBands) }
        let bandCount = try Self.integer("band_split.band_count", Self.first(["band_count", "keep_bands"], of: split))
        let given = try Self.integer("band_split.count", Self.first(["count", "keep_count"], of: split))
        let ratio = try Self.number("band_split.ratio", Self.first(["ratio", "keep_ratio"], of: split))
        isCountGiven = bandCount == nil
        givenCount = bandCount == nil ? given : nil
        if let bandCount {
            count = radialBandCoefficientCount(
                bandCount,
                numberOfBands: numberOfBands,
                schedule: try Self.schedule(parent["v_patch_nums"]),
                height: gridSide,
                width: gridSide
            )
        } else if let given {
            count = min(max(given, 0), total)
        } else if let ratio {
            count = Self.share(ratio, of: total)
        } else {
            count = total
        }
    }

    /// `map2d_square` needs square numbers; `none` and `all` are not checked.
    func checkSquares() throws(FrequencySettingError) {
        guard cutoff == .map2DSquare, let mode else { return }
        do {
            _ = try BandSplit(mode: mode, cutoff: cutoff, count: count).keeps(height: gridSide, width: gridSide)
        } catch {
            switch error {
            case .countNotSquare(let count, _) where isCountGiven: throw .keepCountNotSquare(count)
            case .countNotSquare(let count, _): throw .resultingCountNotSquare(count)
            case .restNotSquare(_, let rest, _): throw .resultingCountNotSquare(rest)
            case .gridNotSquare, .countOutOfRange, .bandCountOutOfRange, .rangeOutOfBounds: throw .gridNotSquare
            }
        }
    }

    /// The number of tokens of the compact decode in the settings, nil for all, and whether it is the default.
    func compactDecode(
        isDCT: Bool,
        notes: inout [String]
    ) throws(FrequencySettingError) -> (count: Int?, isDefault: Bool) {
        let isAsked = Self.first(["decode_from_split_band", "decode_from_split"], of: split)?.isTrue ?? false
        let probability = try Self.checkProbability(
            "band_split.decode_from_split_band_prob",
            ["decode_from_split_band_prob", "decode_from_split_prob"],
            of: split
        )
        guard isAsked else { return (nil, true) }
        guard isDCT else { throw .compactDecodeNeedsDCT }
        guard isEnabled else { throw .compactDecodeNeedsEnabled }
        guard cutoff == .map2DSquare else { throw .compactDecodeNeedsSquare }
        guard !(split["per_sample"]?.isTrue ?? false) else { throw .compactDecodePerSample }
        guard mode != nil else { throw .compactDecodeMode(modeName) }
        try checkSquares()
        let count = try wantedDecodeCount()
        guard squareRoot(count) != nil else { throw .decodeCountNotSquare(count) }
        guard count > 0 else { throw .decodeCountZero }
        if Self.first(["uniform", "sample_uniform"], of: split)?.isTrue ?? false {
            notes.append(
                "band_split.uniform draws a random count at each encode in the authors' code; here the configured "
                    + "count of \(self.count) always applies."
            )
        }
        if let probability, probability < 1 {
            if probability > 0 {
                notes.append(
                    "decode_from_split_band_prob is \(probability), a coin at each encode in the authors' code; here "
                        + "all tokens are decoded unless a request says decode_from_split_band=true."
                )
            }
            return (count == total ? nil : count, false)
        }
        return (count == total ? nil : count, true)
    }

    private func wantedDecodeCount() throws(FrequencySettingError) -> Int {
        if let count = try Self.integer(
            "decode_keep_count",
            Self.first(["decode_keep_count", "decode_count"], of: split)
        ) {
            guard count > 0 else { throw .decodeKeepCountNotPositive(count) }
            return min(count, total)
        }
        if let ratio = try Self.number(
            "decode_keep_ratio",
            Self.first(["decode_keep_ratio", "decode_ratio"], of: split)
        ) {
            guard ratio > 0, ratio <= 1 else { throw .decodeKeepRatioOutOfRange(ratio) }
            return Self.share(ratio, of: total)
        }
        return keptCount
    }

    // MARK: Members

    /// The first of several names that is there at all: an alias counts only if the names before it are absent.
    private static func first(_ names: [String], of map: SettingValue) -> SettingValue? {
        names.lazy.compactMap { map[$0] }.first
    }

    private static func integer(_ member: String, _ value: SettingValue?) throws(FrequencySettingError) -> Int? {
        guard let value, value != .null else { return nil }
        guard let number = value.truncatedInteger else { throw .notANumber(member: member, found: value.spelled) }
        return number
    }

    private static func number(_ member: String, _ value: SettingValue?) throws(FrequencySettingError) -> Double? {
        guard let value, value != .null else { return nil }
        guard let number = value.double, number.isFinite else {
            throw .notANumber(member: member, found: value.spelled)
        }
        return number
    }

    @discardableResult
    private static func checkProbability(
        _ member: String,
        _ names: [String],
        of split: SettingValue
    ) throws(FrequencySettingError) -> Double? {
        guard let value = try number(member, first(names, of: split)) else { return nil }
        guard (0...1).contains(value) else {
            throw .probabilityOutOfRange(member: member, value: value)
        }
        return value
    }

    private static func schedule(_ value: SettingValue?) throws(FrequencySettingError) -> [Float]? {
        guard let value, value != .null else { return nil }
        return try SettingValue.schedule(value).map { Float($0) }
    }

    /// A share of `total`, rounded half to even as Python does, within 0...`total`.
    private static func share(_ ratio: Double, of total: Int) -> Int {
        Int(min(max((ratio * Double(total)).rounded(.toNearestOrEven), 0), Double(total)))
    }
}

extension SettingValue {
    private static let scheduleLimit = 32

    /// The numbers of a `v_patch_nums`.
    static func schedule(_ value: SettingValue) throws(FrequencySettingError) -> [Double] {
        guard case .list(let elements) = value else {
            throw .notANumber(member: "v_patch_nums", found: value.spelled)
        }
        var numbers: [Double] = []
        for element in elements {
            guard let number = element.double, abs(number) <= 1e6 else {
                throw .notANumber(member: "v_patch_nums", found: element.spelled)
            }
            numbers.append(number)
        }
        guard numbers.count <= scheduleLimit else {
            throw .scheduleInvalid(count: numbers.count, limit: scheduleLimit)
        }
        return numbers
    }
}
