// SPDX-License-Identifier: Apache-2.0

import CheckpointConversion
import Fixtures
import Foundation
import Glibc
import TensorFiles
import Testing

/// Files made to run something, to crash, or to take all memory.
@Suite struct HostileCheckpointTests {
    @Test(arguments: [
        ("os", "system"), ("posix", "system"), ("subprocess", "Popen"), ("builtins", "eval"), ("__builtin__", "exec"),
        ("builtins", "getattr"), ("torch", "load"), ("torch.storage", "_load_from_bytes"), ("numpy", "load"),
        ("torch._utils", "_rebuild_tensor_v2.__globals__"), ("collections", "OrderedDict.fromkeys"),
    ])
    func codeIsNamedAndNeverRun(module: String, name: String) throws {
        let folder = try ScratchFolder()
        let marker = folder.path + "/ran"
        let command = PickleBuilder().text("touch \(marker)").raw([0x85])
        let named = PickleBuilder().global(module, name).raw(Array(command.bytes.dropFirst(2))).opcodes("R")
        let stacked = PickleBuilder(version: 4).text(module).text(name).raw([0x93])
            .raw(Array(command.bytes.dropFirst(2))).opcodes("R")
        for pickle in [named, stacked] {
            let path = try folder.file("final.pt", torchArchive(pickle))
            do {
                _ = try CheckpointFile(path: path)
                Issue.record("taken")
            } catch {
                guard case .pickle(path, .forbidden("\(module).\(name)", _)) = error else {
                    Issue.record(error)
                    continue
                }
                #expect(error.description.contains("\(path) names \(module).\(name)"))
                #expect(error.description.contains("nothing was run"))
            }
        }
        #expect(!FileManager.default.fileExists(atPath: marker))
    }

    @Test func namesInMessagesCannotForgeLines() throws {
        let pickle = PickleBuilder(version: 4).text("os\nfake line\u{1B}[2J").text("x").raw([0x93])
        let error = #expect(throws: CheckpointFileError.self) { try readTorch(torchArchive(pickle)) }
        #expect(error?.description.contains(where: \.isNewline) == false)
        #expect(error?.description.contains("\u{1B}") == false)
        let long = CheckpointFileError.torchScript(path: "a", entry: String(repeating: "x", count: 5000))
        #expect(long.description.count < 400)
    }

    @Test func compressedArchivesAreRefused() throws {
        // As a bomb would have it: a few bytes that say they are a gigabyte.
        let entry = ZipBuilder.Entry("a/data.pkl", [1, 2, 3]).with {
            $0.method = 8
            $0.originalSize = 1 << 30
        }
        let archive = ZipBuilder(entries: [entry]).build().bytes
        let error = CheckpointFileError.zip(path: "a.pt", .compressed("a/data.pkl", method: 8))
        #expect(throws: error) { try readTorch(archive) }
        #expect(error.description.contains("torch.save stores"))
    }

    private static let small = torchArchive(
        PickleBuilder().opcodes("}").text("w").tensor("0", count: 4, offset: 1, shape: [1, 3], strides: [3, 1])
            .opcodes("s").text("o").opcodes("]K\u{1}as"),
        storages: [("0", bytes([1, 2, 3, 4] as [Float]))]
    )

    @Test func aFileThatEndsEarlyIsRefusedWhereverItEnds() {
        for count in 0..<Self.small.count {
            #expect(throws: CheckpointFileError.zip(path: "a.pt", .noDirectory(bytes: count))) {
                try readTorch(Array(Self.small[..<count]))
            }
        }
    }

    @Test func aPickleThatEndsEarlyIsRefusedWhereverItEnds() throws {
        let pickle = PickleBuilder(version: 4).opcodes("}").text("w")
            .tensor("0", count: 4, shape: [2], strides: [1]).opcodes("s").finished
        let storages = ["0": [UInt8](repeating: 0, count: 16)]
        #expect(try unpickle(pickle, storages: storages).text == "{w: float32[2]}")
        for count in 0..<pickle.count {
            #expect(throws: PickleError.self) { try unpickle(Array(pickle[..<count]), storages: storages) }
        }
    }

    @Test func changedBytesNeverTrap() throws {
        var generator = Generator(state: 1)
        #expect(try readTorch(Self.small)["w"]?.tensor?.floats() == [2, 3, 4])
        var refused = 0
        for _ in 0..<2000 {
            var archive = Self.small
            for _ in 0...Int(generator.next() % 3) {
                archive[Int(generator.next() % UInt64(archive.count))] = UInt8(truncatingIfNeeded: generator.next())
            }
            do throws(CheckpointFileError) {
                let value = try readTorch(archive)
                for (_, value) in value.members { _ = value.tensor?.floats() }
            } catch {
                refused += 1
                #expect(error.description.hasPrefix("a.pt"))
            }
        }
        #expect((1..<2000).contains(refused))
    }

    /// SplitMix64.
    private struct Generator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var bits = state
            bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
            bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
            return bits ^ bits >> 31
        }
    }

    @Test func listsThatDoubleAreCountedNotWalked() {
        // Every list holds the one before it twice; 40 of them would be a tera of values.
        var pickle = PickleBuilder().opcodes("]").put(0)
        for index in 1...40 {
            pickle = pickle.opcodes("0]").put(UInt32(index)).get(UInt32(index - 1)).opcodes("a").get(UInt32(index - 1))
                .opcodes("a")
        }
        #expect(throws: PickleError.tooManyValues(limit: 20_000_000)) { try unpickle(pickle.finished) }
    }

    @Test func copiesOfDictionariesAreCounted() {
        // One dictionary of 100 members, copied again and again.
        var limits = Unpickler.Limits()
        limits.values = 10_000
        var pickle = PickleBuilder().global("builtins", "dict").put(0).opcodes("0}(")
        for index in 0..<100 { pickle = pickle.opcodes("J").number(Int32(index)).opcodes("N") }
        pickle = pickle.opcodes("u").raw([0x85]).put(1)
        for _ in 0..<1000 { pickle = pickle.opcodes("0").get(0).get(1).opcodes("R") }
        #expect(throws: PickleError.tooManyValues(limit: 10_000)) { try unpickle(pickle.finished, limits: limits) }
    }

    @Test func deepNestingIsRefusedWithoutRecursion() {
        let lists = PickleBuilder().opcodes(
            String(repeating: "]", count: 100_000) + String(repeating: "a", count: 99_999)
        )
        #expect(throws: PickleError.nestedTooDeeply(limit: 64)) { try unpickle(lists.finished) }
        let tuples = PickleBuilder().opcodes("N").raw([UInt8](repeating: 0x85, count: 100_000))
        #expect(throws: PickleError.nestedTooDeeply(limit: 64)) { try unpickle(tuples.finished) }
        // Shared by two values, one of them near the limit: the depth counts, not only the path to it.
        var shared = PickleBuilder().opcodes("(").opcodes(String(repeating: "]", count: 40))
            .opcodes(String(repeating: "a", count: 39)).put(0).opcodes(String(repeating: "]", count: 30)).get(0)
        shared = shared.opcodes(String(repeating: "a", count: 30)).opcodes("t")
        #expect(throws: PickleError.nestedTooDeeply(limit: 64)) { try unpickle(shared.finished) }
    }

    @Test func stackMemoAndValuesHaveLimits() {
        var limits = Unpickler.Limits()
        (limits.stack, limits.memo, limits.values) = (10, 20, 30)
        let marks = PickleBuilder().opcodes(String(repeating: "(", count: 11))
        #expect(throws: PickleError.stackTooDeep(limit: 10, offset: 13)) {
            try unpickle(marks.finished, limits: limits)
        }
        let items = PickleBuilder().opcodes("(" + String(repeating: "N", count: 10))
        #expect(throws: PickleError.stackTooDeep(limit: 10, offset: 13)) {
            try unpickle(items.finished, limits: limits)
        }
        let values = PickleBuilder().opcodes(String(repeating: "N0", count: 31))
        #expect(throws: PickleError.tooManyValues(limit: 30)) { try unpickle(values.finished, limits: limits) }
        let memo = PickleBuilder().opcodes("N").raw([UInt8](repeating: 0x94, count: 21))
        #expect(throws: PickleError.memoTooLarge(limit: 20, offset: 23)) { try unpickle(memo.finished, limits: limits) }
    }

    // A storage or tensor takes more memory than a number.
    @Test func tensorsCountAsSeveralValues() {
        var limits = Unpickler.Limits()
        limits.values = 30
        let pickle = PickleBuilder().storage("0", count: 1).opcodes("0").storage("0", count: 1).opcodes("0").storage(
            "0",
            count: 1
        )
        #expect(throws: PickleError.tooManyValues(limit: 30)) {
            try unpickle(pickle.finished, storages: ["0": [0, 0, 0, 0]], limits: limits)
        }
    }

    @Test func aPickleHasALimit() throws {
        let folder = try ScratchFolder()
        // A sparse file, mapped: no byte of it is read.
        let path = try folder.file("pickle", [0])
        let count = (512 << 20) + 1
        #expect(truncate(path, count) == 0)
        let file = try FileBytes(path: path)
        #expect(throws: PickleError.tooLong(bytes: count, limit: 512 << 20)) {
            try file.withBytes { (bytes) throws(PickleError) in try Unpickler.read(bytes, storages: [:]) }
        }
    }
}
