// SPDX-License-Identifier: Apache-2.0

package import FrequencyBands

/// Why a task cannot be done.
///
/// None of these is the server's fault.
package enum TaskError: Error, Equatable {
    case nothingAsked
    case pixelCount(expected: Int, found: Int)
    case latentCount(expected: Int, found: Int)
    /// The input holds NaN or an infinity; the index counts floats in row-major order.
    case inputNotFinite(index: Int)
    case frequencyTokenCount(found: Int, minimum: Int, maximum: Int)
    case compactSide(found: Int, maximum: Int)
    /// Compact tokens decode to a picture and nothing else.
    case compactTokensOnlyDecode
    /// The model's decoder needs the whole grid.
    case compactDecodeUnavailable
    case split(BandError)
    /// The model has no FFT bands, so that `freq_ratio` means nothing.
    case bandsUnavailable
    case frequencyRatioOutOfRange(Float)
    /// A first-edition model's bands exist while it encodes a picture; a latent no longer has them.
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
    /// The numbers grew beyond what a float holds; only latents far from any picture's do that.
    case resultNotFinite
}
