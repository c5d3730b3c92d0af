// SPDX-License-Identifier: Apache-2.0

package import FrequencyBands

/// How a model divides its latent into frequencies, and what it keeps unless a request says otherwise.
package struct FrequencyConfiguration: Sendable, Equatable {
    package enum Transform: Sendable, Equatable {
        /// The 2026 edition: coefficients of an orthonormal DCT are kept or dropped.
        case dct
        /// The paper's first edition: smooth radial bands, weighted and modulated before decoding.
        case fft(FFTBandConfiguration)
    }

    package var transform: Transform
    package var order: FrequencyOrder
    package var cutoff: CutoffMode
    package var mode: BandMode
    /// Coefficients that `mode` keeps or drops (a square's side with `map2d_square`); nil when nothing is cut.
    package var count: Int?

    /// The cut that the model makes by itself.
    package var split: BandSplit? {
        count.map { BandSplit(mode: mode, order: order, cutoff: cutoff, count: $0) }
    }

    init(_ object: ConfigurationReader, gridSide: Int) throws(ConfigurationError) {
        var reader = object
        let kind: TransformKind = try reader.choice("transform")
        order = try reader.choice("order", default: .zigzag)
        cutoff = try reader.choice("cutoff", default: .reorder1D)
        mode = try reader.choice("mode", default: .low)
        count = try reader.optionalInteger("count", in: 0...(cutoff == .map2DSquare ? gridSide : gridSide * gridSide))
        switch kind {
        case .dct: transform = .dct
        case .fft: transform = .fft(try FFTBandConfiguration(&reader))
        }
        try reader.finish()
    }

    private enum TransformKind: String, CaseIterable {
        case dct
        case fft
    }
}

/// The band projector and modulator of the paper's first edition; model.md's constants are the defaults.
package struct FFTBandConfiguration: Sendable, Equatable {
    package var bandCount: Int
    /// Interior edges in units of an axis' Nyquist frequency; nil for j / bandCount.
    package var edges: [Double]?
    /// Half the width of the raised-cosine shoulder around an edge.
    package var shoulder: Double
    /// Channels between the modulator's two convolutions; nil without a modulator.
    package var modulatorWidth: Int?

    init(_ reader: inout ConfigurationReader) throws(ConfigurationError) {
        bandCount = try reader.integer("bands", in: 1...32)
        shoulder = try reader.optionalNumber("shoulder", in: 1e-6...1) ?? 0.05
        if reader.contains("edges") {
            let edges = try reader.numbers("edges", count: bandCount - 1, in: 0...2)
            guard zip(edges, edges.dropFirst()).allSatisfy({ $0 < $1 }) else {
                throw .edgesNotAscending(path: reader.path("edges"))
            }
            self.edges = edges
        }
        if var modulator = try reader.optionalObject("modulator") {
            modulatorWidth = try modulator.integer("width", in: 1...8192)
            try modulator.finish()
        }
    }
}
