// SPDX-License-Identifier: Apache-2.0

import FrequencyBands

/// The FFT bands of the paper's first edition and the two convolutions that work on them.
package struct FFTBandConfiguration: Sendable, Equatable {
    /// What happens to the bands above a request's `freq_ratio`.
    package enum Condition: String, Sendable, CaseIterable {
        /// They are set to zero; the authors' `mask`, `scale` and `residual` do the same.
        case mask
        /// They stay: a `freq_ratio` changes nothing.
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
