// SPDX-License-Identifier: Apache-2.0

package import FrequencyBands

/// The work on one image or latent: the input, what happens to the latent, the outputs.
package struct AutoencoderTask: Sendable {
    package enum Input: Sendable {
        /// `[imageSide, imageSide, 3]`.
        case pixels([UInt8])
        /// `[channels, gridSide, gridSide]`.
        case latent([Float])
        /// `[channels, count]`: the lowest coefficients in the model's order, never normalised.
        case frequencyTokens([Float], count: Int)
        /// `[channels, side, side]`: the tokens of one corner, for the authors' compact decode. The only output is an
        /// image.
        case compactTokens([Float], TokenCorner)
        /// Two of `[channels, gridSide, gridSide]`: the coefficients that the split keeps from the first, the others from
        /// the second.
        case mixture([Float], [Float], BandSplit)

        package var isPixels: Bool {
            switch self {
            case .pixels: true
            case .latent, .frequencyTokens, .compactTokens, .mixture: false
            }
        }
    }

    package struct Outputs: OptionSet, Sendable {
        package let rawValue: Int

        package init(rawValue: Int) {
            self.rawValue = rawValue
        }

        package static let latent = Outputs(rawValue: 1)
        package static let pooled = Outputs(rawValue: 2)
        package static let frequencyTokens = Outputs(rawValue: 4)
        package static let image = Outputs(rawValue: 8)
        /// The decoder's output, neither clamped nor rounded.
        package static let reconstruction = Outputs(rawValue: 16)
        package static let logits = Outputs(rawValue: 32)
        /// Energy of each DCT coefficient of the latent, in the model's order.
        package static let coefficientEnergies = Outputs(rawValue: 64)
        /// Energy of each DCT coefficient of the input image, in the model's order.
        package static let imageEnergies = Outputs(rawValue: 128)
        /// Energy of each of `fftBandCount` rings of the latent's spectrum; of a first-edition model's own mixed bands.
        package static let fftEnergies = Outputs(rawValue: 256)
        /// Energy of each of `fftBandCount` rings of the spectrum of the input image.
        package static let imageFFTEnergies = Outputs(rawValue: 512)
        /// An image of what the whole latent adds to an empty one: the difference of their reconstructions around
        /// mid-grey.
        ///
        /// The empty latent is zeros; with `bands` of one band alone it is the one that a first-edition model makes of
        /// no band at all.
        package static let contribution = Outputs(rawValue: 1024)

        static let images: Outputs = [.image, .reconstruction, .contribution]
        /// At most one of these at a time: they share a member of the result.
        static let ofLatent: Outputs = [.coefficientEnergies, .fftEnergies]
        /// At most one of these at a time: they share a member of the result.
        static let ofImage: Outputs = [.imageEnergies, .imageFFTEnergies]
    }

    /// How an image's values become bytes.
    package enum Rounding: String, Sendable, CaseIterable {
        case round
        /// What the authors' evaluation does.
        case trunc
    }

    package var input: Input
    package var outputs: Outputs
    /// Mirrors pixels left to right before encoding.
    package var flipped = false
    /// Undo the normalisation of an input latent or compact tokens first.
    package var latentIsNormalized = false
    /// nil for no cut.
    package var cut: CoefficientCut?
    /// The FFT bands that a first-edition model keeps; nil: its frequency module does not run, and the latent is the
    /// encoder's map.
    package var bands: KeptBands? = .all
    /// Normalise the output latent.
    package var normalizeLatent = false
    /// Coefficients of each channel in the `frequencyTokens` output.
    package var frequencyTokenCount = 0
    /// Rings of the FFT energies; a first-edition model's own bands have their own count.
    package var fftBandCount = 10
    package var rounding = Rounding.round
    /// Decode from one corner of the latent's tokens, to a smaller image; nil for all tokens.
    package var decodedCorner: TokenCorner?

    package init(input: Input, outputs: Outputs) {
        self.input = input
        self.outputs = outputs
    }
}
