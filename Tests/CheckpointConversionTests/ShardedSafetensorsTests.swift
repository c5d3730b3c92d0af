// SPDX-License-Identifier: Apache-2.0

import CheckpointConversion
import Fixtures
import Foundation
import TensorFiles
import Testing

/// Safetensors files, alone and as the parts of an index.
@Suite struct ShardedSafetensorsTests {
    @Test func everyElementTypeOfAFileIsReadOrNamed() throws {
        let codes = ["F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL", "F8_E4M3", "U64"]
        let widths = [8, 4, 2, 2, 8, 4, 2, 1, 1, 1, 1, 8]
        var start = 0
        var members: [String] = []
        for (code, width) in zip(codes, widths) {
            members.append(#""\#(code)":{"dtype":"\#(code)","shape":[1],"data_offsets":[\#(start),\#(start + width)]}"#)
            start += width
        }
        let folder = try ScratchFolder()
        let path = try folder.file("a.bin", file(members, data: [UInt8](repeating: 0, count: start)))
        let file = try CheckpointFile(path: path)
        #expect(!file.isTorch)
        let types = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]
        let texts = types.map { "\($0)[1]" } + ["<F8_E4M3 tensor>", "<U64 tensor>"]
        #expect(file.root.members.map(\.key) == codes)
        #expect(file.root.members.map(\.value.text) == texts)
    }

    @Test func tensorsWithoutElementsAreRead() throws {
        let folder = try ScratchFolder()
        let members = [
            #""a":{"dtype":"F32","shape":[0,4611686018427387904,4611686018427387904],"data_offsets":[0,0]}"#,
            #""b":{"dtype":"F32","shape":[],"data_offsets":[0,4]}"#,
        ]
        let path = try folder.file("a.safetensors", file(members, data: bytes([2.5] as [Float])))
        let root = try CheckpointFile(path: path).root
        #expect(root["a"]?.tensor?.floats() == [])
        #expect(root["b"]?.tensor?.floats() == [2.5])
    }

    @Test func goldenSafetensorsGiveTheSameNumbersAsTheEnginesReader() throws {
        let path = Fixtures.path("golden/dinov2/model/model.safetensors")
        let root = try CheckpointFile(path: path).root
        let reference = try SafetensorsFile(path: path)
        #expect(root.members.count == reference.index.entries.count)
        for (name, value) in root.members {
            let tensor = try #require(value.tensor)
            #expect(try reference.floats(name, shape: tensor.shape) == tensor.floats())
        }
    }

    @Test func anIndexJoinsItsShards() throws {
        let folder = try ScratchFolder()
        let one = try shard(folder, "one.safetensors", ["a": 1, "b": 2])
        let two = torchArchive(
            PickleBuilder().opcodes("}").text("c").tensor("0", count: 1, shape: [1], strides: [1]).opcodes("s"),
            storages: [("0", bytes([3] as [Float]))]
        )
        _ = try folder.file("two.bin", two)
        let index = #" {"metadata":{},"weight_map":{"c":"two.bin","a":"one.safetensors"}}"#
        let file = try CheckpointFile(path: try folder.file("model.safetensors.index.json", Array(index.utf8)))
        #expect(file.root.members.map(\.key) == ["c", "a"])
        #expect(file.root["a"]?.tensor?.floats() == [1])
        #expect(file.root["c"]?.tensor?.floats() == [3])
        #expect(file.isTorch)
        #expect(file.byteCount == Int64(index.utf8.count + one + two.count))
    }

    @Test(arguments: [
        (#"{"weight_map":{"a":"none.safetensors"}}"#, "none.safetensors"),
        (#"{"weight_map":{"z":"one.safetensors"}}"#, "z"),
        (#"{"weight_map":{"a":"index.json"}}"#, "index itself"),
        (#"{"weight_map":{"a":"../one.safetensors"}}"#, "plain name"),
        (#"{"weight_map":{"a":".."}}"#, "plain name"),
        (#"{"weight_map":{"a":""}}"#, "plain name"),
        (#"{"weight_map":{"a":"one\u0000"}}"#, "plain name"),
        (#"{"weight_map":{"a":1}}"#, "plain name"),
        (#"{"weight_map":[]}"#, "weight_map"),
        (#"{}"#, "weight_map"),
        (#"{"weight_map":"#, "not JSON"),
        (#"{"weight_map":{"a":"text"}}"#, "first bytes"),
        (#"{"weight_map":{"a":"list.bin"}}"#, "list.bin"),
    ])
    func everyFaultOfAnIndexHasItsError(index: String, text: String) throws {
        let folder = try ScratchFolder()
        _ = try shard(folder, "one.safetensors", ["a": 1])
        _ = try folder.file("text", Array("text".utf8))
        _ = try folder.file("list.bin", torchArchive(PickleBuilder().opcodes("]")))
        let path = try folder.file("index.json", Array(index.utf8))
        let expected: CheckpointFileError =
            switch text {
            case "none.safetensors": .shardMissing(path: path, shard: text)
            case "z": .tensorNotInShard(path: path, tensor: "z", shard: "one.safetensors")
            case "index itself": .shardIsIndex(path: path, shard: "index.json")
            case "plain name": .unsafeShardName(path: path, tensor: "a")
            case "weight_map": .indexWithoutWeightMap(path: path)
            case "not JSON": .indexNotJSON(path: path, .unexpectedEnd(offset: 14))
            case "list.bin": .tensorNotInShard(path: path, tensor: "a", shard: "list.bin")
            default: .unknownFormat(path: folder.path + "/text", firstBytes: Array("text".utf8))
            }
        #expect(throws: expected) { try CheckpointFile(path: path) }
        #expect(expected.description.contains(text))
    }

    @Test func anIndexHasALimit() throws {
        let folder = try ScratchFolder()
        let count = (64 << 20) + 1
        let path = try folder.file("index.json", Array("{".utf8) + [UInt8](repeating: 0x20, count: count - 1))
        #expect(throws: CheckpointFileError.indexTooLong(path: path, bytes: count, limit: 64 << 20)) {
            try CheckpointFile(path: path)
        }
    }

    /// Writes a file of tensors of one element and gives its size.
    private func shard(_ folder: ScratchFolder, _ name: String, _ values: KeyValuePairs<String, Float>) throws -> Int {
        let tensors = values.map { OutgoingTensor(name: $0.key, shape: [1], dtype: .float32, values: [$0.value]) }
        let bytes = writeSafetensors(tensors)
        _ = try folder.file(name, bytes)
        return bytes.count
    }

    private func file(_ members: [String], data: [UInt8]) -> [UInt8] {
        let header = "{" + members.joined(separator: ",") + "}"
        return bytes([UInt64(header.utf8.count)]) + Array(header.utf8) + data
    }
}
