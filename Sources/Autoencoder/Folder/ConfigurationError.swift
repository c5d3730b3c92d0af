// SPDX-License-Identifier: Apache-2.0

package import TensorFiles

/// Why a `config.json` cannot be used.
///
/// `path` names the member, as in `decoder.transformer.width`.
package enum ConfigurationError: Error, Equatable {
    /// The file is longer than a configuration can sensibly be.
    case tooLong(bytes: Int, limit: Int)
    case notJSON(JSONError)
    /// A schema that this version does not read.
    case formatUnknown(found: String, supported: String)
    case missing(path: String)
    case unknownMember(path: String)
    case wrongType(path: String, expected: String, found: String)
    case outOfRange(path: String, value: Double, minimum: Double, maximum: Double)
    case notAmong(path: String, value: String, allowed: [String])
    case countMismatch(path: String, expected: Int, found: Int)
    case tooMany(path: String, count: Int, limit: Int)
    /// An empty text or list.
    case empty(path: String)
    /// A file name that would leave the model folder.
    case unsafeFileName(path: String, value: String)
    case headsDoNotDivideWidth(path: String, width: Int, headCount: Int)
    case patchesDoNotFillImage(path: String, side: Int, patchSide: Int)
    case gridMismatch(path: String, expected: Int, found: Int)
    case channelsMismatch(path: String, expected: Int, found: Int)
    /// A number of tokens that is not a square.
    case notSquare(path: String, value: Int)
    case embeddingHeadWithoutPacking
    /// `packing` and an encoder of another family than `uae-lite`.
    case packingNeedsLite(family: String)
    /// The DCT of a packing model folds images in the middle.
    case packingNeedsEvenSide(path: String, side: Int)
    /// A convolution's kernel does not fit its input, or shrinks it to nothing.
    case layerDoesNotFit(path: String, height: Int, width: Int)
    case channelsDoNotFormPixels(path: String, channels: Int, factor: Int)
    case nestedTooDeeply(path: String, limit: Int)
    /// The model would need more working memory for one image than is allowed.
    case activationsTooLarge(path: String, count: Int, limit: Int)
}
