// SPDX-License-Identifier: Apache-2.0

package import TensorFiles

/// Why a `config.json` cannot be used.
///
/// `path` names the member, as in `decoder.transformer.width`.
package enum ConfigurationError: Error, Equatable {
    /// The file is longer than a configuration can sensibly be.
    case tooLong(bytes: Int, limit: Int)
    case notJSON(JSONError)
    /// The schema's identifier is not the one that this version reads.
    case formatUnknown(found: String, supported: String)
    case missing(path: String)
    case unknownMember(path: String)
    case wrongType(path: String, expected: String, found: String)
    case outOfRange(path: String, value: Double, minimum: Double, maximum: Double)
    case notAmong(path: String, value: String, allowed: [String])
    case countMismatch(path: String, expected: Int, found: Int)
    case tooMany(path: String, count: Int, limit: Int)
    /// A text that must not be empty is.
    case empty(path: String)
    /// A file name that would leave the model folder.
    case unsafeFileName(path: String, value: String)
    case headsDoNotDivideWidth(path: String, width: Int, headCount: Int)
    case patchesDoNotFillPicture(path: String, side: Int, patchSide: Int)
    case gridMismatch(path: String, expected: Int, found: Int)
    case channelsMismatch(path: String, expected: Int, found: Int)
    /// A number of tokens that is not a square.
    case notSquare(path: String, value: Int)
    /// The encoder of a `uae-lite` model has neither path.
    case encoderWithoutPath
    /// The decoder has no path at all.
    case decoderWithoutPath
    case modulatorWithoutSemanticPath
    /// The detail path has fewer channels than the modulator mixes into the semantic ones.
    case modulatorNeedsChannels(semantic: Int, detail: Int)
    case semanticHeadWithoutSemanticPath
    case embeddingHeadWithoutPacking
    /// A packing model's encoder must have a semantic path and nothing else.
    case packingNeedsSemanticPathAlone
    /// A packing model's decoder must refine the unpacked picture and nothing else.
    case packingDecodesThePicture(path: String)
    /// A packing model's pictures are folded in the middle.
    case packingNeedsEvenSide(path: String, side: Int)
    /// A convolution's kernel does not fit its input, or shrinks it to nothing.
    case layerDoesNotFit(path: String, height: Int, width: Int)
    case channelsDoNotFormPixels(path: String, channels: Int, factor: Int)
    case nestedTooDeeply(path: String, limit: Int)
    /// The model would need more working memory for one picture than is allowed.
    case activationsTooLarge(path: String, count: Int, limit: Int)
}
