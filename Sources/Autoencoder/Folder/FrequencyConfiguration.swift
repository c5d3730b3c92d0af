// SPDX-License-Identifier: Apache-2.0

package import FrequencyBands

/// How a model divides its latent into frequencies, and which it keeps by default.
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
    /// The default number of tokens of the compact decode, a square number; nil for those that are kept.
    package var decodeCount: Int?
    /// Whether `decodeCount` applies to requests that do not mention it.
    package var decodesCorner = true

    /// The model's default cut.
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
        // The first edition's bands are rings.
        order = try reader.choice("order", default: kind == .fft ? .radial : .zigzag)
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
