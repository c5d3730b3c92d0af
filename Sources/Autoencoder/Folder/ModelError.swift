// SPDX-License-Identifier: Apache-2.0

package import FrequencyBands
package import TensorFiles
package import TensorKernels

/// Why a model folder cannot be loaded.
package enum ModelError: Error {
    /// A file of the folder cannot be read at all.
    case unreadable(path: String, errno: Int32)
    /// No `config.json`; `isPublished`: the folder has the authors' `config.yaml`, or is itself a checkpoint file.
    case notAModelFolder(path: String, isPublished: Bool)
    case tooLong(path: String, bytes: Int, limit: Int)
    case configuration(path: String, ConfigurationError)
    /// The band cut of the configuration is impossible.
    case bandSplit(path: String, BandError)
    /// A tensor that is missing or has the wrong shape or type, or a malformed file.
    case weights(path: String, TensorFileError)
    /// A position embedding that is not a class token plus a square grid.
    case positionsNotSquare(tensor: String, rows: Int)
    /// Normalisation statistics that are not finite, or a variance that is not positive.
    case statisticsInvalid(tensor: String, index: Int, value: Float)
    /// A head file whose `weight` is not `[classes, channels]`.
    case headShape(path: String, channels: Int, found: [Int])
    /// A packing order that names a coefficient twice, or none of the image.
    case packingOrder(place: Int, value: Float, limit: Int)
    /// The matrix product that the settings name is not available.
    case matrixProducts(MatrixProductError)
    case labelsNotText(path: String)
    case labelCount(path: String, expected: Int, found: Int)
}
