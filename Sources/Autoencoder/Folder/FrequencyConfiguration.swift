// SPDX-License-Identifier: Apache-2.0

package import FrequencyBands

/// How a model divides its latent into frequencies, and what it keeps unless a request says otherwise.
package struct FrequencyConfiguration: Sendable, Equatable {
    package enum Transform: Sendable, Equatable {
        /// The 2026 edition: coefficients of an orthonormal DCT are kept or dropped.
        case dct
        /// The latent is the encoder's own.
        case none
        /// The paper's first edition: FFT bands, mixed and denoised inside the encoder.
        case fft(FFTBandConfiguration)
    }

    package var transform: Transform
    package var order: FrequencyOrder
    package var cutoff: CutoffMode
    package var mode: BandMode
    /// Coefficients that `mode` keeps or drops; nil when nothing is cut.
    package var count: Int?
    /// Tokens of the compact decode, a square number, unless a request says otherwise; nil for those that are kept.
    package var decodeCount: Int?
    /// Whether `decodeCount` tokens are decoded without a request for it.
    package var decodesCorner = true

    /// The cut that the model makes by itself.
    package var split: BandSplit? {
        count.map { BandSplit(mode: mode, order: order, cutoff: cutoff, count: $0) }
    }

    /// The FFT bands of a first-edition model.
    package var bands: FFTBandConfiguration? {
        if case .fft(let bands) = transform { bands } else { nil }
    }

    init(_ object: ConfigurationReader, gridSide: Int) throws(ConfigurationError) {
        var reader = object
        let kind: TransformKind = try reader.choice("transform")
        order = try reader.choice("order", default: .zigzag)
        cutoff = try reader.choice("cutoff", default: .reorder1D)
        mode = try reader.choice("mode", default: .low)
        switch kind {
        case .dct:
            transform = .dct
            count = try reader.optionalInteger("count", in: 0...gridSide * gridSide)
            decodeCount = try reader.optionalInteger("decode_count", in: 1...gridSide * gridSide)
            decodesCorner = try reader.boolean("decode_by_default", default: true)
            if let decodeCount, squareRoot(decodeCount) == nil {
                throw .notSquare(path: reader.path("decode_count"), value: decodeCount)
            }
        case .none: transform = .none
        case .fft: transform = .fft(try FFTBandConfiguration(&reader))
        }
        try reader.finish()
    }

    private enum TransformKind: String, CaseIterable {
        case dct
        case none
        case fft
    }
}

/// The FFT bands of the paper's first edition and the two convolutions that work on them.
package struct FFTBandConfiguration: Sendable, Equatable {
    /// What becomes of the bands above a request's `freq_ratio`.
    package enum Condition: String, Sendable, CaseIterable {
        /// They are set to zero; the authors' `mask`, `scale` and `residual` come to the same.
        case mask
        /// They stay, so that a `freq_ratio` changes nothing.
        case noiseOnly = "noise_only"
    }

    /// The authors' `v_patch_nums`: as many numbers as there are bands.
    package var schedule: [Double]
    /// K x K matrices between the split and the denoiser.
    package var mixingLayers: Int
    package var condition: Condition
    /// Channels between the denoiser's two convolutions.
    package var denoiserWidth: Int

    /// The radii between the bands, K + 1 of them, in cells of the spectrum.
    package func radii(gridSide: Int) -> [Float] {
        RingSchedule.radii(schedule.map { Float($0) }, height: gridSide, width: gridSide)
    }

    init(_ reader: inout ConfigurationReader) throws(ConfigurationError) {
        schedule = try reader.numbers("schedule", countIn: 1...32, in: -1e6...1e6)
        mixingLayers = try reader.optionalInteger("mixing_layers", in: 0...16) ?? 0
        condition = try reader.choice("condition", default: .mask)
        denoiserWidth = try reader.integer("denoiser_width", in: 1...16384)
    }
}
