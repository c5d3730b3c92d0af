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
    /// A file of the folder is something else, such as a Git LFS pointer.
    case foreign(path: String, ForeignContent)
    /// A weight that is NaN or infinite.
    case weightNotFinite(path: String, tensor: String, index: Int, value: Float)
    /// A weight that half precision cannot hold, under `weight-storage` float16.
    case weightTooLargeForHalf(path: String, tensor: String, index: Int, value: Float)
    /// Intact weights with which every result is NaN or infinite.
    case resultNotFinite(path: String)
    /// Weights or working memory beyond what the machine has.
    case memoryExceeded(path: String, use: MemoryUse, bytes: Int, limit: Int)
    /// Memory that the system refuses, although the machine has it.
    case noMemory(path: String, use: MemoryUse, bytes: Int)
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
    /// A head's `labels` metadata that is not a JSON list of texts.
    case labelsMalformed(path: String)
    case labelCount(path: String, expected: Int, found: Int)
    /// A file of labels for a model without a head.
    case labelsWithoutHead(path: String)

    package enum MemoryUse: String, Sendable {
        case weights
        /// Scratch memory of the compute threads.
        case workspaces = "working memory"
    }
}
