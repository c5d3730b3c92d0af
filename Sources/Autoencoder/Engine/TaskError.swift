// SPDX-License-Identifier: Apache-2.0

package import FrequencyBands

/// Why a task fails; each but ``modelNotFinite`` is an error of the request.
package enum TaskError: Error, Equatable {
    case nothingAsked
    case pixelCount(expected: Int, found: Int)
    case latentCount(expected: Int, found: Int)
    /// The input holds NaN or an infinity; the index counts floats in row-major order.
    case inputNotFinite(index: Int)
    case frequencyTokenCount(found: Int, minimum: Int, maximum: Int)
    case compactSide(found: Int, maximum: Int)
    /// Compact tokens have no output but an image.
    case compactTokensOnlyDecode
    /// The model's decoder needs the whole grid.
    case compactDecodeUnavailable
    case split(BandError)
    /// `freq_ratio` for a model without FFT bands.
    case bandsUnavailable
    case frequencyRatioOutOfRange(Float)
    /// A first-edition model's bands exist only while it encodes an image.
    case frequencyRatioNeedsPixels
    case bandEnergiesNeedPixels
    /// The energies of bands that the task leaves out.
    case bandEnergiesNeedBands
    /// The model has no normalisation statistics.
    case normalizationUnavailable
    case headUnavailable
    /// Only pixels can be mirrored, and only pixels have an image spectrum.
    case needsPixels
    case severalEnergies
    /// The spectrum cannot be divided into that many bands.
    case bands(BandError)
    /// A number overflowed; only latents far from those of any image cause it.
    case resultNotFinite
    /// Whatever the input, the model's numbers are NaN or infinite: its weights are at fault.
    case modelNotFinite
}
