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
    /// What a corner adds to an empty latent is not defined.
    case compactContribution
    /// The model's decoder needs the whole grid.
    case compactDecodeUnavailable
    /// The coefficients that a cut or a mixture keeps cannot be.
    case cut(BandError)
    /// FFT bands are chosen, and the model has none.
    case bandsUnavailable
    case frequencyRatioOutOfRange(Float)
    case bandOutOfRange(band: Int, count: Int)
    /// A first-edition model's bands exist only while it encodes an image.
    case frequencyRatioNeedsPixels
    case bandNeedsPixels
    case bandEnergiesNeedPixels
    /// The energies of bands that the task leaves out.
    case bandEnergiesNeedBands
    /// The model has no normalisation statistics.
    case normalizationUnavailable
    case headUnavailable
    /// Only pixels can be mirrored, and only pixels have an image spectrum.
    case needsPixels
    case severalEnergies
    /// A decoded image and a contribution.
    case severalImages
    /// The spectrum cannot be divided into that many bands.
    case bands(BandError)
    /// A number overflowed; only latents far from those of any image cause it.
    case resultNotFinite
    /// Whatever the input, the model's numbers are NaN or infinite: its weights are at fault.
    case modelNotFinite
}
