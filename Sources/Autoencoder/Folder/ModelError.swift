// SPDX-License-Identifier: Apache-2.0

package import FrequencyBands
package import TensorFiles

/// Why a model folder cannot be loaded.
package enum ModelError: Error {
    /// A file of the folder cannot be read at all.
    case unreadable(path: String, errno: Int32)
    /// The folder has no `config.json`; `isPublished`: it has the authors' `config.yaml`, or is a checkpoint.
    case notAModelFolder(path: String, isPublished: Bool)
    case tooLong(path: String, bytes: Int, limit: Int)
    case configuration(path: String, ConfigurationError)
    /// The configuration's own band cut cannot be made.
    case bandSplit(path: String, BandError)
    /// A tensor is missing or has the wrong shape or type, or the file itself is wrong; the reason names it.
    case weights(path: String, TensorFileError)
    /// A position embedding that cannot be a class token and a square grid.
    case positionsNotSquare(tensor: String, rows: Int)
    /// Normalisation statistics that no latent could have.
    case statisticsInvalid(tensor: String, index: Int, value: Float)
    /// A head file whose `weight` is not `[classes, channels]`.
    case headShape(path: String, channels: Int, found: [Int])
    /// A packing order that does not name different coefficients of the picture.
    case packingOrder(place: Int, value: Float, limit: Int)
    case labelsNotText(path: String)
    case labelCount(path: String, expected: Int, found: Int)
}
