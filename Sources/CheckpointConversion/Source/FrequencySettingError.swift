// SPDX-License-Identifier: Apache-2.0

import FrequencyBands

/// Why a `frequency_config` is refused; the descriptions give the authors' own reasons.
package enum FrequencySettingError: Error, Equatable {
    case notAMap(member: String, found: String)
    case unknownTransform(String)
    case unknownOrder(String)
    case unknownMode(String)
    case unknownCutoff(String)
    case notANumber(member: String, found: String)
    case bandNumberTooSmall(Int)
    case probabilityOutOfRange(member: String, value: Double)
    /// A count given as such, or as a ratio, must be a square number.
    case keepCountNotSquare(Int)
    /// The remainder of a drop mode, or the result of `band_count`, must be a square number.
    case resultingCountNotSquare(Int)
    case gridNotSquare
    case compactDecodeNeedsDCT
    case compactDecodeNeedsEnabled
    case compactDecodeNeedsSquare
    case compactDecodePerSample
    case compactDecodeMode(String)
    case decodeKeepCountNotPositive(Int)
    case decodeKeepRatioOutOfRange(Double)
    case decodeCountNotSquare(Int)
    case decodeCountZero
    // The first edition.
    case bandsMissing
    case unknownMember(String)
    case unknownProjector(String)
    case learnedProjector
    case unknownCondition(String)
    case scheduleInvalid(count: Int, limit: Int)
    case embedDimension(found: Int, channels: Int)
    case tokensNotReshaped
}

extension FrequencySettingError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notAMap(let member, let found): "\(member) must be a map, found \(found)."
        case .unknownTransform(let name): "Unsupported freq_transform '\(name)'. Supported: none, dct."
        case .unknownOrder(let name): "Unsupported freq_order '\(name)'. Supported: zigzag, radial."
        case .unknownMode(let name):
            "Unsupported band_split.mode '\(name)'. Supported: low, high, drop_high, drop_low, all."
        case .unknownCutoff(let name):
            "Unsupported band_split cutoff mode '\(name)'. Supported: reorder_1d, map2d_square."
        case .notANumber(let member, let found): "\(member) must be a number, found \(found)."
        case .bandNumberTooSmall(let count): "freq_num_bands is \(count), must be at least 1."
        case .probabilityOutOfRange(let member, let value): "\(member) must be between 0 and 1, found \(value)."
        case .keepCountNotSquare(let count):
            "band_split.keep_count=\(count) must be a perfect square when cutoff_mode=map2d_square."
        case .resultingCountNotSquare(let count):
            "Keep count \(count) is not a perfect square for cutoff_mode=map2d_square."
        case .gridNotSquare: "cutoff_mode=map2d_square needs a square grid."
        case .compactDecodeNeedsDCT:
            "band_split.decode_from_split_band requires frequency_config.freq_transform='dct'."
        case .compactDecodeNeedsEnabled: "band_split.decode_from_split_band requires band_split.enabled=true."
        case .compactDecodeNeedsSquare: "band_split.decode_from_split_band requires cutoff_mode=map2d_square."
        case .compactDecodePerSample:
            "band_split.decode_from_split_band is incompatible with band_split.per_sample=true."
        case .compactDecodeMode(let mode):
            "band_split.decode_from_split_band only supports modes: low, keep_low, high, keep_high, drop_high, "
                + "drop_low; found '\(mode)'."
        case .decodeKeepCountNotPositive(let count):
            "band_split.decode_keep_count must be > 0 when provided, found \(count)."
        case .decodeKeepRatioOutOfRange(let ratio):
            "band_split.decode_keep_ratio must be in (0, 1], found \(ratio)."
        case .decodeCountNotSquare(let count):
            "band_split.decode_from_split_band requires square keep count, got \(count)."
        case .decodeCountZero: "Resolved decode keep count is 0; cannot decode empty latent."
        case .bandsMissing:
            "A first-edition model without frequency_config cannot decode: its decoder demands a band mask that "
                + "nothing gives it."
        case .unknownMember(let name):
            "frequency_config has the unexpected member '\(name)', which the authors' code refuses too."
        case .unknownProjector(let name): "Unsupported residual_projector '\(name)'. Supported: fft."
        case .learnedProjector:
            "residual_projector 'learned_conv' cannot be converted: the authors' loader drops its tensors, so that a "
                + "model has random ones after loading."
        case .unknownCondition(let name):
            "Unsupported band_condition_strategy '\(name)'. Supported: mask, scale, residual, noise_only."
        case .scheduleInvalid(let count, let limit):
            "The schedule has \(count) bands; 1 to \(limit) are possible, each a finite number."
        case .embedDimension(let found, let channels):
            "embed_dim is \(found), must be the encoder's width, \(channels)."
        case .tokensNotReshaped: "reshape_to_2d is false, which a first-edition model with bands refuses."
        }
    }
}
