// SPDX-License-Identifier: Apache-2.0

/// Which FFT bands of an image a first-edition model keeps before it mixes them; the others become zero.
package enum KeptBands: Sendable, Equatable {
    case all
    /// The authors' `freq_ratio`: the lowest bands, at least one; all of them on a `noise_only` model.
    case ratio(Float)
    /// One band, whatever the model's condition.
    case only(Int)
}

extension FFTBands {
    /// The bands that stay; `kept` was checked against this model.
    func range(of kept: KeptBands) -> Range<Int> {
        switch kept {
        case .all: 0..<bandCount
        case .ratio(let ratio): cutsBands ? 0..<keptBands(ratio: ratio) : 0..<bandCount
        case .only(let band): band..<band + 1
        }
    }

    /// Bands that a `freq_ratio` keeps: at least one, counted in fp32 as the authors' code does.
    private func keptBands(ratio: Float) -> Int {
        max(1, Int((min(max(ratio, 0), 1) * Float(bandCount)).rounded(.up)))
    }
}
