// SPDX-License-Identifier: Apache-2.0

package import Autoencoder

/// The `frequency_config` of the paper's first edition.
///
/// - Source: docs/model.md, "First edition".
package struct FirstEditionSettings: Equatable {
    /// As many numbers as there are bands.
    package let schedule: [Double]
    package let mixingLayers: Int
    package let condition: FFTBandConfiguration.Condition
    /// Whether training changed the number of bands, which names the tensors of each number apart.
    package let isDynamic: Bool

    /// Members that only training uses, or that are unused.
    private static let ignored: Set<String> = [
        "band_mask_fusion", "band_noise_strategy", "band_noise_tau", "noise_tau", "band_condition_eps",
        "spectral_identity_init", "use_residual_split", "codebook_drop", "quant_resi", "share_quant_resi",
        "using_znorm", "beta", "default_qresi_counts", "num_latent_tokens", "vocab_size",
    ]
    private static let read: Set<String> = [
        "v_patch_nums", "freq_first_patch", "freq_num_bands", "freq_max_patch", "spectral_transform_layers",
        "residual_projector", "residual_projector_kwargs", "band_condition_strategy", "dynamic_schedule", "embed_dim",
    ]
    private static let bandLimit = 32

    /// - Parameters:
    ///   - value: the member `frequency_config`; null for an absent one.
    ///   - channels: the encoder's width.
    /// - Throws: `FrequencySettingError`, in the authors' words.
    package init(_ value: SettingValue, channels: Int) throws(FrequencySettingError) {
        if value == .null { throw .bandsMissing }
        guard case .map(let members) = value else { throw .notAMap(member: "frequency_config", found: value.spelled) }
        if let unknown = members.first(where: { !Self.read.contains($0.key) && !Self.ignored.contains($0.key) }) {
            throw .unknownMember(unknown.key)
        }
        schedule = try Self.schedule(value)
        mixingLayers = try Self.integer("spectral_transform_layers", value) ?? 0
        guard (0...16).contains(mixingLayers) else {
            throw .notANumber(member: "spectral_transform_layers", found: String(mixingLayers))
        }
        let projector = (value.given("residual_projector")?.spelled ?? "fft").lowercased()
        switch projector {
        case "fft": break
        case "learned_conv", "learned-conv", "learnedconv": throw .learnedProjector
        default: throw .unknownProjector(projector)
        }
        let named =
            value.given("band_condition_strategy")
            ?? value.given("residual_projector_kwargs")?.given("condition_strategy")
        let strategy = (named?.spelled ?? "mask").lowercased()
        switch strategy {
        // The rings do not overlap, so what `residual` returns to later bands is outside them.
        case "mask", "scale", "residual": condition = .mask
        case "noise_only": condition = .noiseOnly
        default: throw .unknownCondition(strategy)
        }
        isDynamic = value.given("dynamic_schedule")?.given("enabled")?.isTrue ?? false
        if let width = try Self.integer("embed_dim", value), width != channels {
            throw .embedDimension(found: width, channels: channels)
        }
    }

    private static func schedule(_ value: SettingValue) throws(FrequencySettingError) -> [Double] {
        if let given = value.given("v_patch_nums") {
            let numbers = try SettingValue.schedule(given)
            if !numbers.isEmpty { return numbers }
        }
        let first = try number("freq_first_patch", value) ?? 1
        let count = try integer("freq_num_bands", value) ?? 10
        let last = max(first, try number("freq_max_patch", value) ?? 16)
        guard (1...bandLimit).contains(count), abs(first) <= 1e6, abs(last) <= 1e6 else {
            throw .scheduleInvalid(count: count, limit: bandLimit)
        }
        if count == 1 { return [last] }
        return (0..<count).map { index in
            switch index {
            case 0: first
            case count - 1: last
            default:
                (first * first + (last * last - first * first) * Double(index) / Double(count - 1)).squareRoot()
            }
        }
    }

    private static func integer(_ key: String, _ value: SettingValue) throws(FrequencySettingError) -> Int? {
        guard let given = value.given(key) else { return nil }
        guard let number = given.truncatedInteger else { throw .notANumber(member: key, found: given.spelled) }
        return number
    }

    private static func number(_ key: String, _ value: SettingValue) throws(FrequencySettingError) -> Double? {
        guard let given = value.given(key) else { return nil }
        guard let number = given.double, number.isFinite else {
            throw .notANumber(member: key, found: given.spelled)
        }
        return number
    }
}
