// SPDX-License-Identifier: Apache-2.0

import CheckpointConversion
import Checksums
import Fixtures
import Foundation
import Glibc
import TensorFiles
import Testing

/// Whole `.pt` files, the numbers in them, and what is taken for one by mistake.
@Suite struct TorchFileTests {
    // Counts and digests come from a reader in Python (zipfile, pickle with stubs, numpy), written apart from this one.
    @Test(arguments: [
        (
            "first-edition/k2/final.pt", values: 263, tensors: 215,
            digest: "886fd105f433d90acbff374f7fbed901d8f2112244ad09018601bd3a9b86736d"
        ),
        (
            "published-tree/downloads/checkpoints/DINOv2-B/ep-last.pt", values: 268, tensors: 237,
            digest: "3565c6eca6cedc934023e454798188b85d8e67390a283bc5f1f66866e4ac9646"
        ),
        (
            "published-tree/downloads/checkpoints/Generative_Modeling/Latent_Modeling/64_tokens/stage_1.pt",
            values: 117, tensors: 116,
            digest: "7cda6d22ac48131dc2d058740dcc1e636c5bb7cee4fc6a7bf48e605c3c9c3d5a"
        ),
        (
            "published-tree/downloads/checkpoints/Generative_Modeling/Latent_Modeling/64_tokens/normalization_stats.pt",
            values: 9, tensors: 8,
            digest: "7246d1ca872a33805468a5ba823903508a424c2ed0e272f46dd8843be6b77fd9"
        ),
        (
            "published-tree/downloads/checkpoints/Generative_Modeling/Latent_Modeling/64_tokens/stage_2.pt",
            values: 48, tensors: 46,
            digest: "67aea0d9e72afd6170d9e619c319f8cdd7f768942c038b5e039ca866fac08f5b"
        ),
        (
            "rae/models/decoders/siglip2/base_p16_i256/ViTXL_n08/model.pt", values: 41, tensors: 40,
            digest: "1337bb5cf42a06d62a610fe523210ee5c0cb6343e78fba8fd5bd4b786c972cab"
        ),
    ])
    func goldenFilesHoldWhatTorchSaved(name: String, values: Int, tensors: Int, digest: String) throws {
        let path = Fixtures.path("golden/\(name)")
        let file = try CheckpointFile(path: path)
        #expect(file.path == path)
        #expect(file.isTorch)
        #expect(file.byteCount == (try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int64))
        var counts = (values: 0, tensors: 0)
        var content: [UInt8] = []
        func visit(_ value: CheckpointValue, _ name: String) {
            counts.values += 1
            switch value {
            case .dictionary(let members): for (key, value) in members { visit(value, "\(name)/\(key)") }
            case .list(let values): for (index, value) in values.enumerated() { visit(value, "\(name)/\(index)") }
            case .tensor(let tensor):
                counts.tensors += 1
                content += Array("\(name) \(tensor.elementType) \(tensor.shape)\n".utf8)
                tensor.forEachRawPiece(1000) { content += $0 }
            case .none, .bool, .integer, .number, .text, .other: break
            }
        }
        visit(file.root, "")
        #expect(counts == (values, tensors))
        #expect(content.withUnsafeBytes { sha256Hexadecimal(of: $0) } == digest)
    }

    @Test func theFirstEditionsCheckpointHoldsTwoModelsAndItsConfiguration() throws {
        let root = try CheckpointFile(path: Fixtures.path("golden/first-edition/k2/final.pt")).root
        #expect(
            root.members.map(\.key) == ["model", "optimizer", "epoch", "global_step", "config", "scheduler", "ema"]
        )
        #expect(root["model"]?.members.count == 106)
        #expect(root["model"]?.members.map(\.key) == root["ema"]?.members.map(\.key))
        #expect(root["epoch"]?.text == "15")
        let parameters = root["config"]?["stage_1"]?["params"]
        #expect(parameters?["encoder_params"]?.text == "{dinov2_path: 'encoder', normalize: True}")
        #expect(parameters?["frequency_config"]?["v_patch_nums"]?.text == "[0.32, 16.0]")
        #expect(root["optimizer"]?["state"]?["0"]?["exp_avg"]?.tensor != nil)
        #expect(root["missing"] == nil)
        #expect(root["epoch"]?["missing"] == nil)
    }

    private func tensor(
        _ type: String,
        _ content: [UInt8],
        count: Int,
        shape: [Int],
        strides: [Int]
    ) throws -> StoredTensor {
        let pickle = PickleBuilder().tensor("0", type, count: count, shape: shape, strides: strides)
        return try #require(try readTorch(torchArchive(pickle, storages: [("0", content)])).tensor)
    }

    // The builder aligns nothing, so these are read at odd places too.
    @Test(arguments: [
        ("DoubleStorage", ElementType.float64, bytes([1, -2.5, 1e-3] as [Double]), [1, -2.5, 1e-3] as [Float]),
        ("FloatStorage", .float32, bytes([1, -2.5, 1e-3] as [Float]), [1, -2.5, 1e-3]),
        ("HalfStorage", .float16, bytes([0x3C00, 0xC100, 0x7BFF] as [UInt16]), [1, -2.5, 65504]),
        ("BFloat16Storage", .bfloat16, bytes([0x3F80, 0xC020, 0x4040] as [UInt16]), [1, -2.5, 3]),
        ("LongStorage", .int64, bytes([1, -2, 1 << 40] as [Int64]), [1, -2, 1_099_511_627_776]),
        ("IntStorage", .int32, bytes([1, -2, .max] as [Int32]), [1, -2, 2_147_483_648]),
        ("ShortStorage", .int16, bytes([1, -2, .max] as [Int16]), [1, -2, 32767]),
        ("CharStorage", .int8, bytes([1, -2, 127] as [Int8]), [1, -2, 127]),
        ("ByteStorage", .uint8, [1, 0, 255], [1, 0, 255]),
        ("BoolStorage", .bool, [1, 0, 2], [1, 0, 1]),
    ])
    func everyElementTypeIsRead(name: String, type: ElementType, content: [UInt8], expected: [Float]) throws {
        let tensor = try tensor(name, content, count: 3, shape: [3], strides: [1])
        #expect(tensor.elementType == type)
        #expect(tensor.floats() == expected)
        #expect(type.byteCount == content.count / 3)
        #expect(type.isFloatingPoint == ["Double", "Float", "Half", "BFloat16"].contains(name.dropLast(7)))
        var raw: [UInt8] = []
        tensor.forEachRawPiece(2) { raw += $0 }
        #expect(raw == content)
        #expect(try self.tensor(name, content, count: 3, shape: [0, 3], strides: [3, 1]).floats().isEmpty)
    }

    @Test(arguments: 1...8)
    func piecesAreTheWholeInOrder(size: Int) throws {
        let content = bytes((0..<7).map { UInt16($0) })
        let views = [
            (shape: [7], strides: [1]), ([7, 1], [1, 5]), ([2, 3], [1, 2]), ([1, 3], [9, 3]), ([2, 3, 2], [1, 1, 0]),
        ]
        for (shape, strides) in views {
            let tensor = try tensor("ShortStorage", content, count: 7, shape: shape, strides: strides)
            var counts: [Int] = []
            var floats: [Float] = []
            tensor.forEachPiece(size) { piece in
                counts.append(piece.count)
                floats += piece
            }
            var expected: [Float] = []
            for index in 0..<tensor.count {
                var rest = index
                var place = 0
                for axis in shape.indices.reversed() {
                    place += rest % shape[axis] * strides[axis]
                    rest /= shape[axis]
                }
                expected.append(Float(place))
            }
            #expect(floats == expected)
            #expect(counts.dropLast().allSatisfy { $0 == size } && counts.allSatisfy { $0 <= size })
        }
    }

    @Test func aPieceMayEndTheReading() throws {
        struct Enough: Error {}
        let tensor = try tensor("ByteStorage", [1, 2, 3], count: 3, shape: [3], strides: [1])
        var count = 0
        #expect(throws: Enough.self) {
            try tensor.forEachPiece(1) { (_) throws(Enough) in
                count += 1
                throw Enough()
            }
        }
        #expect(count == 1)
    }

    @Test func theFirstNumberThatIsNotFiniteIsFound() throws {
        var values = [Float](repeating: 1, count: 300_000)
        func found() throws -> (index: Int, value: Float)? {
            let content = bytes(values)
            return try tensor("FloatStorage", content, count: 300_000, shape: [2, 150_000], strides: [150_000, 1])
                .firstNonFinite()
        }
        #expect(try found() == nil)
        values[270_001] = -.infinity
        values[270_002] = .nan
        #expect(try found()?.index == 270_001)
        #expect(try found()?.value == -.infinity)
        let halves = try tensor("HalfStorage", bytes([0, 0x7E00] as [UInt16]), count: 2, shape: [2], strides: [1])
        #expect(halves.firstNonFinite()?.index == 1)
        #expect(halves.firstNonFinite()?.value.isNaN == true)
        let integers = try tensor("LongStorage", bytes([Int64.max]), count: 1, shape: [1], strides: [1])
        #expect(integers.firstNonFinite() == nil)
    }

    @Test func readingALargeTensorDoesNotKeepItsPages() throws {
        let folder = try ScratchFolder()
        let count = 16 << 20
        let pickle = PickleBuilder().tensor("0", count: count, shape: [count], strides: [1])
        let archive = torchArchive(pickle, storages: [("0", [UInt8](repeating: 0, count: 4 * count))])
        let path = try folder.file("a.pt", archive)
        let tensor = try #require(try CheckpointFile(path: path).root.tensor)
        var resident = 0
        tensor.forEachPiece(4 << 20) { _ in resident = max(resident, Self.residentBytes(of: path)) }
        // One piece and what the kernel reads ahead, of 64 MiB.
        #expect((16 << 20..<32 << 20).contains(resident))
    }

    /// What the kernel says of this process's mapping of a file.
    private static func residentBytes(of path: String) -> Int {
        let file = FileHandle(forReadingAtPath: "/proc/self/smaps")
        let maps = String(decoding: file?.readDataToEndOfFile() ?? Data(), as: UTF8.self)
        let lines = maps.split(separator: "\n").drop { !$0.hasSuffix(path) }
        let line = lines.first { $0.hasPrefix("Rss:") } ?? ""
        return 1024 * (line.split(separator: " ").compactMap { Int($0) }.first ?? 0)
    }

    @Test func filesBeyondFourGigabytesAreRead() throws {
        // The last entry is a hole of 5 GiB, its sizes written as torch and miniz write them.
        let size = 5 << 30
        let last = size / 4 - 2
        let pickle = PickleBuilder().tensor("0", count: size / 4, offset: last, shape: [2], strides: [1])
        var builder = ZipBuilder(entries: [.init("a/data.pkl", pickle.finished), .init("a/data/0")])
        builder.entries[1].flags = 8
        builder.entries[1].localSize = 0
        builder.entries[1].storedSize = .max
        builder.entries[1].originalSize = .max
        builder.entries[1].extra = [1, 0, 16, 0] + bytes([UInt64(size), UInt64(size)])
        builder.isZip64 = true
        let (short, starts) = builder.build()
        builder.directoryOffset = UInt64(starts[1] + size)
        builder.zip64Offset = UInt64(short.count - 22 - 20 - 56 + size)
        let archive = builder.build().bytes
        let folder = try ScratchFolder()
        let path = try folder.file("a.pt", Array(archive[..<starts[1]]))
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.seek(toOffset: UInt64(starts[1] + size - 4))
        try file.write(contentsOf: bytes([7] as [Float]) + archive[starts[1]...])
        let checkpoint = try CheckpointFile(path: path)
        #expect(checkpoint.byteCount == Int64(archive.count + size))
        #expect(checkpoint.root.tensor?.floats() == [0, 7])
    }

    struct Mistake: Sendable, CustomTestStringConvertible {
        let content: [UInt8]
        let error: @Sendable (String) -> CheckpointFileError
        /// A part of the message.
        let text: String

        var testDescription: String { text }

        init(_ content: [UInt8], _ text: String, _ error: @escaping @Sendable (String) -> CheckpointFileError) {
            (self.content, self.text, self.error) = (content, text, error)
        }

        init(_ content: String, _ text: String, _ error: @escaping @Sendable (String) -> CheckpointFileError) {
            self.init(Array(content.utf8), text, error)
        }
    }

    @Test(arguments: mistakes)
    func whatIsTakenForACheckpointIsNamed(_ mistake: Mistake) throws {
        let folder = try ScratchFolder()
        let path = try folder.file("final.pt", mistake.content)
        let error = mistake.error(path)
        #expect(throws: error) { try CheckpointFile(path: path) }
        #expect(error.description.hasPrefix(path))
        #expect(error.description.contains(mistake.text))
    }

    private static let lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    private static let legacy: [UInt8] = [
        0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
    ]
    private static let mistakes: [Mistake] = [
        Mistake("", "empty") { .empty(path: $0) },
        Mistake(lfs, "git lfs pull") { .gitLFSPointer(path: $0) },
        Mistake("\n<!DOCTYPE html><html>", "web page") { .webPage(path: $0) },
        Mistake("<?xml version=\"1.0\"?><Error/>", "web page") { .webPage(path: $0) },
        Mistake([0x1F, 0x8B, 8], "gzip") { .foreign(path: $0, .gzip) },
        Mistake([UInt8](repeating: 0x61, count: 257) + Array("ustar\0".utf8), "tar") { .foreign(path: $0, .tar) },
        Mistake(legacy, "before version 1.6") { .foreign(path: $0, .legacyTorch) },
        Mistake(PickleBuilder().finished, "bare pickle") { .foreign(path: $0, .pickle) },
        Mistake(PickleBuilder(version: 4).finished, "bare pickle") { .foreign(path: $0, .pickle) },
        Mistake([0x93] + Array("NUMPY".utf8), "numpy") { .foreign(path: $0, .numpy) },
        Mistake([0x89] + Array("HDF\r\n".utf8), "HDF5") { .foreign(path: $0, .hdf5) },
        Mistake("GGUF", "GGUF") { .foreign(path: $0, .gguf) },
        Mistake("123", "31 32 33") { .unknownFormat(path: $0, firstBytes: [0x31, 0x32, 0x33]) },
        Mistake("PK\u{3}\u{4}", "ends early, after 4 bytes") { .zip(path: $0, .noDirectory(bytes: 4)) },
        Mistake(ZipBuilder().build().bytes, "entries: 0") { .notTorch(path: $0, entryCount: 0) },
        Mistake(archive(["word/document.xml", "a.pkl"]), "entries: 2") { .notTorch(path: $0, entryCount: 2) },
        Mistake(archive(["data.pkl"]), "entries: 1") { .notTorch(path: $0, entryCount: 1) },
        Mistake(archive(["m/data.pkl", "m/constants.pkl"]), "TorchScript") {
            .torchScript(path: $0, entry: "m/constants.pkl")
        },
        Mistake(archive(["m/data.pkl", "m/code/__torch__.py"]), "TorchScript") {
            .torchScript(path: $0, entry: "m/code/__torch__.py")
        },
        Mistake(archive(["m/data.pkl", "n/data/0"]), "n/data/0") { .severalFolders(path: $0, "m", "n/data/0") },
        Mistake(archive(["m/data.pkl", "m/byteorder"], content: Array("big".utf8)), "byte order big") {
            .byteOrder(path: $0, found: "big")
        },
        Mistake(archive(["m/data.pkl"], content: [0x80, 9]), "protocol 9") {
            .pickle(path: $0, .unsupportedProtocol(9))
        },
        Mistake([9, 0, 0, 0, 0, 0, 0, 0] + Array("{}".utf8), "ends early") {
            .safetensors(path: $0, .headerBeyondEnd(bytes: 9, available: 2))
        },
    ]

    private static func archive(_ names: [String], content: [UInt8] = []) -> [UInt8] {
        ZipBuilder(entries: names.map { .init($0, content) }).build().bytes
    }

    @Test func filesThatCannotBeOpenedAreNamed() throws {
        let folder = try ScratchFolder()
        let missing = folder.path + "/none.pt"
        let error = CheckpointFileError.cannotOpen(path: missing, errno: ENOENT)
        #expect(throws: error) { try CheckpointFile(path: missing) }
        #expect(error.description == "\(missing): No such file or directory")
        #expect(throws: CheckpointFileError.notRegular(path: folder.path)) { try CheckpointFile(path: folder.path) }
        let pipe = folder.path + "/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        #expect(throws: CheckpointFileError.notRegular(path: pipe)) { try CheckpointFile(path: pipe) }
        // A petabyte, which no address space has room for; nothing of it is stored.
        let name = "/petabyte-\(getpid())"
        let memory = shm_open(name, O_CREAT | O_RDWR, 0o600)
        defer {
            close(memory)
            shm_unlink(name)
        }
        #expect(ftruncate(memory, 1 << 50) == 0)
        let large = "/proc/self/fd/\(memory)"
        #expect(throws: CheckpointFileError.cannotMap(path: large, errno: ENOMEM)) { try CheckpointFile(path: large) }
    }
}
