// SPDX-License-Identifier: Apache-2.0

package import Autoencoder
import FrequencyBands

/// A model of published size, by the sizes of its parts.
package struct PublishedModel: Sendable {
    package var encoder: PublishedEncoder
    package var decoder: PublishedDecoder
    /// Side in pixels of the encoder's input.
    package var inputSide: Int
    /// The paper's first edition, with FFT bands, instead of the 2026 one.
    package var isFirstEdition: Bool
    /// Blocks of encoder and decoder, where they are not the published numbers.
    package var depths: (encoder: Int, decoder: Int)?

    /// - Parameters:
    ///   - encoder: the encoder's size.
    ///   - decoder: the decoder's size.
    ///   - inputSide: nil for the encoder's own.
    ///   - isFirstEdition: with the published schedule of two FFT bands.
    ///   - depths: other numbers of blocks than the published ones, for models small enough to test with.
    package init(
        encoder: PublishedEncoder,
        decoder: PublishedDecoder,
        inputSide: Int? = nil,
        isFirstEdition: Bool = false,
        depths: (encoder: Int, decoder: Int)? = nil
    ) {
        self.encoder = encoder
        self.decoder = decoder
        self.inputSide = inputSide ?? encoder.inputSide
        self.isFirstEdition = isFirstEdition
        self.depths = depths
    }

    package var description: ModelDescription {
        let (mean, deviation) = encoder.family.standardization
        let grid = inputSide / encoder.patchSide
        // The published cuts: a quarter of the coefficients, with SigLIP2 half of them.
        let count = grid * grid / (encoder.family == .siglip2 ? 2 : 4)
        return ModelDescription(
            name: "random-\(encoder.name)",
            revision: "random",
            encoder: ModelDescription.Encoder(
                family: encoder.family,
                inputSide: inputSide,
                patchSide: encoder.patchSide,
                blocks: ModelDescription.Blocks(
                    width: encoder.width,
                    depth: depths?.encoder ?? encoder.depth,
                    headCount: encoder.headCount,
                    mlpWidth: encoder.mlpWidth,
                    layerNormEpsilon: encoder.family.layerNormEpsilon
                ),
                registerCount: encoder.family == .dinov2 ? 4 : nil,
                mean: mean,
                deviation: deviation
            ),
            decoder: ModelDescription.Decoder(
                gridSide: grid,
                patchSide: decoder.patchSide,
                blocks: ModelDescription.Blocks(
                    width: decoder.width,
                    depth: depths?.decoder ?? decoder.depth,
                    headCount: decoder.headCount,
                    mlpWidth: decoder.mlpWidth,
                    layerNormEpsilon: PublishedDecoder.layerNormEpsilon
                )
            ),
            frequency: isFirstEdition
                ? .fft(
                    schedule: [0.32, 16],
                    mixingLayers: 2,
                    condition: .mask,
                    denoiserWidth: max(2 * encoder.width, 512)
                )
                : .dct(order: .zigzag, cutoff: .reorder1D, mode: .low, count: count, decodeCount: nil)
        )
    }
}
