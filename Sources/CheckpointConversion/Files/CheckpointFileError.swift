// SPDX-License-Identifier: Apache-2.0

package import TensorFiles

/// Why a checkpoint file cannot be read; always names the file.
package enum CheckpointFileError: Error, Equatable {
    case cannotOpen(path: String, errno: Int32)
    case notRegular(path: String)
    case cannotMap(path: String, errno: Int32)
    case empty(path: String)
    case gitLFSPointer(path: String)
    case webPage(path: String)
    case foreign(path: String, ForeignFormat)
    case unknownFormat(path: String, firstBytes: [UInt8])
    case zip(path: String, ZipError)
    case torchScript(path: String, entry: String)
    /// A zip archive of something else.
    case notTorch(path: String, entryCount: Int)
    case severalFolders(path: String, String, String)
    case byteOrder(path: String, found: String)
    case pickle(path: String, PickleError)
    case safetensors(path: String, SafetensorsError)
    case indexTooLong(path: String, bytes: Int, limit: Int)
    case indexNotJSON(path: String, JSONError)
    case indexWithoutWeightMap(path: String)
    case unsafeShardName(path: String, tensor: String)
    case shardMissing(path: String, shard: String)
    case shardIsIndex(path: String, shard: String)
    case tensorNotInShard(path: String, tensor: String, shard: String)
}

/// File formats that are mistaken for checkpoints, or that checkpoints are packed in.
package enum ForeignFormat: Sendable, CaseIterable {
    case gzip
    case tar
    case legacyTorch
    case pickle
    case numpy
    case hdf5
    case gguf
}
