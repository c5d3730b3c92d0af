// SPDX-License-Identifier: Apache-2.0

import Glibc
import TensorFiles

/// A checkpoint: a `.pt` of `torch.save`, safetensors, or the index of a checkpoint in several such files.
///
/// What it is is detected from its bytes. Files are mapped; a tensor's bytes are read when they are asked for.
package struct CheckpointFile: Sendable {
    package let path: String
    /// What was saved; of safetensors and of an index: a dictionary of tensors.
    package let root: CheckpointValue
    /// Whether any part comes from `torch.save`.
    package let isTorch: Bool
    /// Of all files that were read.
    package let byteCount: Int64

    private static let longestIndex = 64 << 20

    /// - Throws: `CheckpointFileError`.
    package init(path: String) throws(CheckpointFileError) {
        let file = try FileBytes(path: path)
        self.path = path
        if let content = try Self.content(of: file, path: path) {
            root = content.root
            isTorch = content.isTorch
            byteCount = Int64(file.count)
            return
        }
        var members: [(key: String, value: CheckpointValue)] = []
        var shards: [String: Shard] = [:]
        for (tensor, name) in try Self.weightMap(file, path: path) {
            let shard: Shard
            if let known = shards[name] { shard = known } else { shard = try Shard(named: name, index: path) }
            shards[name] = shard
            guard let value = shard.tensors[tensor] else {
                throw .tensorNotInShard(path: path, tensor: tensor, shard: name)
            }
            members.append((tensor, value))
        }
        root = .dictionary(members)
        isTorch = shards.values.contains { $0.isTorch }
        byteCount = shards.values.reduce(Int64(file.count)) { $0 + $1.byteCount }
    }

    /// nil: the file is an index.
    private static func content(
        of file: FileBytes,
        path: String
    ) throws(CheckpointFileError) -> (root: CheckpointValue, isTorch: Bool)? {
        let kind = try file.withBytes { (bytes) throws(CheckpointFileError) in try FileKind(bytes, path: path) }
        switch kind {
        case .zip: return (try readTorchArchive(file, path: path), true)
        case .safetensors: return (try safetensors(file, path: path), false)
        case .shardIndex: return nil
        }
    }

    /// In the order of the data.
    private static func safetensors(
        _ file: FileBytes,
        path: String
    ) throws(CheckpointFileError) -> CheckpointValue {
        let index: SafetensorsIndex
        do throws(SafetensorsError) {
            index = try file.withBytes { (bytes) throws(SafetensorsError) in try SafetensorsIndex(bytes) }
        } catch {
            throw .safetensors(path: path, error)
        }
        let entries = index.entries.values.sorted {
            ($0.byteRange.lowerBound, $0.byteRange.upperBound, $0.name)
                < ($1.byteRange.lowerBound, $1.byteRange.upperBound, $1.name)
        }
        return .dictionary(
            entries.map { entry in
                guard let type = ElementType(safetensorsCode: entry.dtypeCode) else {
                    return (entry.name, .other("\(entry.dtypeCode) tensor"))
                }
                let start = index.dataStart + entry.byteRange.lowerBound
                let tensor = StoredTensor(
                    elementType: type,
                    shape: entry.shape,
                    strides: StoredTensor.contiguousStrides(of: entry.shape),
                    offset: 0,
                    bytes: StoredBytes(file: file, range: start..<start + entry.byteRange.count)
                )
                return (entry.name, .tensor(tensor))
            }
        )
    }

    /// Tensors and the files that hold them, in the index's order.
    private static func weightMap(
        _ file: FileBytes,
        path: String
    ) throws(CheckpointFileError) -> [(tensor: String, shard: String)] {
        guard file.count <= longestIndex else {
            throw .indexTooLong(path: path, bytes: file.count, limit: longestIndex)
        }
        let document: JSONNode
        do throws(JSONError) {
            document = try file.withBytes { (bytes) throws(JSONError) in
                try JSONParser.parse(Array(bytes), valueLimit: 1_000_000)
            }
        } catch {
            throw .indexNotJSON(path: path, error)
        }
        guard case .object(let members) = document,
            case .object(let places)? = members.first(where: { $0.key == "weight_map" })?.value
        else { throw .indexWithoutWeightMap(path: path) }
        var map: [(tensor: String, shard: String)] = []
        for place in places {
            guard case .string(let text) = place.value, let name = text.text, isPlain(name) else {
                throw .unsafeShardName(path: path, tensor: place.key)
            }
            map.append((place.key, name))
        }
        return map
    }

    private static func isPlain(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && !name.utf8.contains(UInt8(ascii: "/")) && !name.utf8.contains(0)
    }

    /// One file of several.
    private struct Shard {
        let tensors: [String: CheckpointValue]
        let isTorch: Bool
        let byteCount: Int64

        init(named name: String, index: String) throws(CheckpointFileError) {
            let folder = index.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(index[...$0]) } ?? ""
            let file: FileBytes
            do throws(CheckpointFileError) {
                file = try FileBytes(path: folder + name)
            } catch .cannotOpen(_, ENOENT) {
                throw .shardMissing(path: index, shard: name)
            }
            guard let content = try CheckpointFile.content(of: file, path: folder + name) else {
                throw .shardIsIndex(path: index, shard: name)
            }
            var tensors: [String: CheckpointValue] = [:]
            if case .dictionary(let members) = content.root {
                tensors = Dictionary(uniqueKeysWithValues: members.map { ($0.key, $0.value) })
            }
            self.tensors = tensors
            isTorch = content.isTorch
            byteCount = Int64(file.count)
        }
    }
}
