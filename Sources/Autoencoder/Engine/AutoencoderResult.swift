// SPDX-License-Identifier: Apache-2.0

/// The outputs that a task requested; the others are nil.
package struct AutoencoderResult: Sendable, Equatable {
    /// `[channels, gridSide, gridSide]`.
    package var latent: [Float]?
    /// `[channels]`: the mean of the latent over its tokens.
    package var pooled: [Float]?
    /// `[channels, frequencyTokenCount]`.
    package var frequencyTokens: [Float]?
    /// `[imageSide, imageSide, 3]`: the decoded image, or the contribution.
    package var image: [UInt8]?
    /// `[3, imageSide, imageSide]`, neither clamped nor rounded.
    package var reconstruction: [Float]?
    /// Side in pixels of the decoded image; 0 without one.
    package var imageSide = 0
    /// `[classCount]`, before the softmax.
    package var logits: [Float]?
    /// The requested energies of the latent, lowest frequency first.
    package var energies: [Double]?
    /// The requested energies of the input image, lowest frequency first.
    package var imageEnergies: [Double]?
}

extension AutoencoderResult {
    /// Whether every number is finite.
    var isFinite: Bool {
        [latent, pooled, frequencyTokens, reconstruction, logits].allSatisfy { values in
            values?.allSatisfy(\.isFinite) ?? true
        }
            && [energies, imageEnergies].allSatisfy { $0?.allSatisfy(\.isFinite) ?? true }
    }
}
