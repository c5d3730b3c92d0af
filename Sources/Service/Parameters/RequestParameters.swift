// SPDX-License-Identifier: Apache-2.0

import FrequencyBands
import TensorFiles

/// The forms in which a latent travels.
package enum LatentLayout: String, Sendable, CaseIterable {
    /// `[N, C, side, side]`
    case nchw
    /// `[N, side², C]`
    case tokens
    /// `[N, C, K]`: the K lowest DCT coefficients in the model's order, never normalised.
    case freqTokens = "freq_tokens"
}

package enum TensorFormat: String, Sendable, CaseIterable {
    case raw
    case npy
    case npz
    case safetensors
    case json
}

package enum Normalize: String, Sendable, CaseIterable {
    case auto
    case yes = "true"
    case no = "false"
}

package enum Flip: String, Sendable, CaseIterable {
    case none
    case horizontal = "h"
    case both
}

package enum Pool: String, Sendable, CaseIterable {
    case none
    case mean
}

package enum Preprocess: String, Sendable, CaseIterable {
    case crop
    case squash
    case none
}

package enum EXIFChoice: String, Sendable, CaseIterable {
    case apply
    case ignore
}

package enum PictureFormat: String, Sendable, CaseIterable {
    case png
    case jpg
}

package enum PictureRounding: String, Sendable, CaseIterable {
    case round
    case trunc
}

package enum SpectrumSource: String, Sendable, CaseIterable {
    case latent
    case image
}

package enum SpectrumTransform: String, Sendable, CaseIterable {
    case dct
    case fft
}

package enum SpectrumFormat: String, Sendable, CaseIterable {
    case json
    case svg
}

package enum ErrorPolicy: String, Sendable, CaseIterable {
    case fail
    case skip
}

/// The dtypes that tensors travel in.
package enum WireDType: String, Sendable, CaseIterable {
    case float32
    case float16
    case bfloat16

    var tensor: TensorDType {
        switch self {
        case .float32: .float32
        case .float16: .float16
        case .bfloat16: .bfloat16
        }
    }
}

/// What a request asks for, checked; nothing about its pictures yet.
///
/// One struct for the four operations: a parameter that the operation does not take keeps its default, since
/// `ParameterSet` has refused it.
package struct RequestParameters: Sendable {
    var operation: Operation
    // Band split; nil means that the model's own applies.
    var keep: Int?
    var bandMode: BandMode?
    var order: FrequencyOrder?
    var cutoff: CutoffMode?
    /// Whether the model's frequency module runs; nil means yes, as the authors' `apply_frequency`.
    var appliesFrequency: Bool?
    /// The authors' `freq_ratio`, for models with FFT bands.
    var frequencyRatio: Float?
    // Picture in.
    var preprocess = Preprocess.crop
    var exif = EXIFChoice.apply
    // Tensor in.
    var shape: [Int]?
    var dtype: WireDType?
    var normalize = Normalize.auto
    // Latent out.
    var layout = LatentLayout.nchw
    var format: TensorFormat?
    var flip = Flip.none
    var pool = Pool.none
    // Picture out.
    /// The authors' `decode_from_split_band`; nil means as the model's configuration says.
    var decodesFromSplitBand: Bool?
    /// The authors' `decode_keep_count`: a square number of tokens.
    var decodeKeepCount: Int?
    var pictureFormat: PictureFormat?
    var quality: Int?
    var rounding = PictureRounding.round
    // Spectrum and classes.
    var bands: Int?
    var source = SpectrumSource.latent
    var transform = SpectrumTransform.dct
    var spectrumFormat: SpectrumFormat?
    var topK = 5
    // The request as a whole.
    var onError = ErrorPolicy.fail
    var timeout: Duration

    var splitIsGiven: Bool { keep != nil || bandMode != nil || order != nil || cutoff != nil }

    /// - Parameters:
    ///   - set: the parameters as given.
    ///   - operation: the route.
    ///   - coefficientCount: coefficients of the latent's grid, the most that `keep` and `bands` can be.
    ///   - outputSide: side of a decoded picture, the only `height` and `width` that can be asked for.
    ///   - timeoutLimit: the server's own time limit, the most that `timeout_ms` can be.
    /// - Throws: a `Problem` of kind `bad-parameter`.
    package init(
        _ set: ParameterSet,
        operation: Operation,
        coefficientCount: Int,
        outputSide: Int,
        timeoutLimit: Duration
    ) throws(Problem) {
        self.operation = operation
        let milliseconds = Int(timeoutLimit / .milliseconds(1))
        timeout = try set.integer("timeout_ms", in: 1...max(1, milliseconds)).map { .milliseconds($0) } ?? timeoutLimit
        onError = try set.choice("on_error", ErrorPolicy.self) ?? .fail
        preprocess = try set.choice("preprocess", Preprocess.self) ?? .crop
        exif = try set.choice("exif", EXIFChoice.self) ?? .apply
        keep = try set.integer("keep", in: 0...coefficientCount)
        bandMode = try set.choice("band_mode", BandMode.self)
        order = try set.choice("freq_order", FrequencyOrder.self)
        cutoff = try set.choice("cutoff_mode", CutoffMode.self)
        appliesFrequency = try set.boolean("apply_frequency")
        frequencyRatio = try set.number("freq_ratio", in: 0...1).map { Float($0) }
        if appliesFrequency == false, splitIsGiven {
            throw .conflict("apply_frequency", "false means no cut, so it cannot stand beside a cut's parameters")
        }
        normalize = try set.choice("normalize", Normalize.self) ?? .auto
        dtype = try set.choice("dtype", WireDType.self)
        switch operation {
        case .encode: try readEncode(set)
        case .decode: try readDecode(set, coefficientCount: coefficientCount, outputSide: outputSide)
        case .spectrum:
            bands = try set.integer("bands", in: 1...coefficientCount)
            source = try set.choice("of", SpectrumSource.self) ?? .latent
            transform = try set.choice("transform", SpectrumTransform.self) ?? .dct
            spectrumFormat = try set.choice("format", SpectrumFormat.self)
            if source == .image {
                for name in [
                    "keep", "band_mode", "freq_order", "cutoff_mode", "freq_ratio", "apply_frequency", "normalize",
                ] where set.text(name) != nil {
                    throw .conflict(name, "it acts on latents, and of=image shows the image's own spectrum")
                }
            }
            shape = try set.shape()
        case .classify:
            topK = try set.integer("top_k", in: 1...1000) ?? 5
            shape = try set.shape()
        }
    }

    private mutating func readEncode(_ set: ParameterSet) throws(Problem) {
        layout = try set.choice("layout", LatentLayout.self) ?? .nchw
        format = try set.choice("format", TensorFormat.self)
        flip = try set.choice("flip", Flip.self) ?? .none
        pool = try set.choice("pool", Pool.self) ?? .none
        if pool == .mean {
            if set.text("layout") != nil { throw .conflict("layout", "a pooled vector has no layout") }
            if normalize == .yes { throw .conflict("normalize", "pooled vectors are never normalised") }
        }
        if layout == .freqTokens {
            if normalize == .yes { throw .conflict("normalize", "freq_tokens are never normalised") }
            if bandMode ?? .low != .low || cutoff ?? .reorder1D != .reorder1D {
                throw .conflict("layout", "freq_tokens are the lowest coefficients, which only band_mode=low keeps")
            }
            if order != nil { throw .conflict("freq_order", "freq_tokens come in the model's own order") }
        }
    }

    private mutating func readDecode(
        _ set: ParameterSet,
        coefficientCount: Int,
        outputSide: Int
    ) throws(Problem) {
        shape = try set.shape()
        try readCompactDecode(set, coefficientCount: coefficientCount)
        pictureFormat = try set.choice("image_format", PictureFormat.self)
        quality = try set.integer("quality", in: 1...100)
        rounding = try set.choice("rounding", PictureRounding.self) ?? .round
        try refuseForeignMeanings(set, outputSide: outputSide)
    }

    private mutating func readCompactDecode(_ set: ParameterSet, coefficientCount: Int) throws(Problem) {
        decodesFromSplitBand = try set.boolean("decode_from_split_band")
        decodeKeepCount = try set.integer("decode_keep_count", in: 1...coefficientCount)
        guard let count = decodeKeepCount else { return }
        if decodesFromSplitBand == false {
            throw .conflict("decode_keep_count", "needs decode_from_split_band=true")
        }
        guard squareRoot(count) != nil else {
            throw .notSquare("decode_keep_count", count, nearest: nearestSquares(to: count, limit: coefficientCount))
        }
    }

    /// What `diffusers` sends along with a latent: taken where it changes nothing here, refused where it would.
    private func refuseForeignMeanings(_ set: ParameterSet, outputSide: Int) throws(Problem) {
        _ = try set.boolean("do_scaling")
        if let factor = try set.numbers("scaling_factor"), factor != [1] {
            throw .conflict("scaling_factor", "these latents are not scaled, so only 1 is taken")
        }
        if let shift = try set.numbers("shift_factor"), shift != [0] {
            throw .conflict("shift_factor", "these latents are not shifted, so only 0 is taken")
        }
        if let type = set.text("output_type"), type != "pil" {
            throw .badParameter("output_type", type, choices: ["pil"])
        }
        if try set.boolean("partial_postprocess") == true {
            throw .conflict("partial_postprocess", "answers are finished pictures, so only false is taken")
        }
        for name in ["height", "width"] { _ = try set.integer(name, in: outputSide...outputSide) }
    }
}
