// SPDX-License-Identifier: Apache-2.0

import Foundation
import TensorFiles
import Testing

@Suite struct SafetensorsTests {
    /// Safetensors data with a header of one's own.
    private static func data(_ header: String, _ count: Int = 0) -> [UInt8] {
        let text = Array(header.utf8)
        let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { [UInt8]($0) }
        return length + text + [UInt8](repeating: 0, count: count)
    }

    private static func entry(_ name: String, _ dtype: String, _ shape: String, _ offsets: String) -> String {
        "\"\(name)\":{\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
    }

    private static let one = entry("a", "F32", "[1]", "[0,4]")

    @Test func whatIsWrittenIsReadBack() throws {
        let tensors = [TensorDType.float32, .float16, .bfloat16, .uint8].map { dtype in
            OutgoingTensor(name: "t \"\(dtype)\"\n", shape: [2, 2], dtype: dtype, values: [0, 1, 2, 3])
        }
        let bytes = writeSafetensors(tensors, metadata: [("k", "v\\")])
        let index = try bytes.withUnsafeBytes { try SafetensorsIndex($0) }
        #expect(index.metadata == ["k": "v\\"])
        #expect(index.dataStart.isMultiple(of: 8))
        for tensor in tensors {
            let made = try bytes.withUnsafeBytes {
                try readSafetensorsTensor(named: tensor.name, in: $0, maximumElements: 4)
            }
            #expect(made == TensorArray(shape: [2, 2], values: [0, 1, 2, 3]))
        }
    }

    @Test(arguments: [
        ([UInt8](repeating: 0, count: 7), SafetensorsError.tooShort(bytes: 7)),
        (Array(data("{}").prefix(8)), .headerBeyondEnd(bytes: 2, available: 0)),
        ([0, 0, 0, 0, 1, 0, 0, 0], .headerTooLong(bytes: 1 << 32, limit: 25_000_000)),
        (data("{"), .headerNotJSON(.unexpectedEnd(offset: 1))), (data("[]"), .headerNotObject),
        (data("{\"__metadata__\":{\"a\":1}}"), .malformedMetadata), (data("{\"__metadata__\":1}"), .malformedMetadata),
        (data("{\"a\":1}"), .malformedEntry(tensor: "a")),
        (data("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}"), .malformedEntry(tensor: "a")),
        (data("{\(entry("a", "F32", "[-1]", "[0,4]"))}", 4), .malformedEntry(tensor: "a")),
        (data("{\(entry("a", "F32", "[1.5]", "[0,4]"))}", 4), .malformedEntry(tensor: "a")),
        (data("{\(entry("a", "F32", "[1]", "[4,0]"))}", 4), .malformedEntry(tensor: "a")),
        (data("{\(entry("a", "F31", "[1]", "[0,4]"))}", 4), .unknownDType(tensor: "a", code: "F31")),
        (
            data("{\(entry("a", "F32", "[4611686018427387904,4]", "[0,4]"))}", 4), .shapeOverflow(tensor: "a")
        ),
        (
            data("{\(entry("a", "F32", "[2]", "[0,4]"))}", 4),
            .lengthMismatch(tensor: "a", expected: 8, found: 4)
        ),
        (data("{\(one)}", 3), .offsetsBeyondEnd(tensor: "a", end: 4, available: 3)),
        (
            data("{\(entry("a", "F32", "[1]", "[4,8]"))}", 8),
            .notContiguous(tensor: "a", expectedStart: 0, foundStart: 4)
        ),
        (
            data("{\(one),\(entry("b", "U8", "[2]", "[3,5]"))}", 5),
            .notContiguous(tensor: "b", expectedStart: 4, foundStart: 3)
        ),
        (data("{\(one)}", 5), .trailingBytes(expected: 4, found: 5)),
    ])
    func everyFaultOfTheHeaderHasItsError(bytes: [UInt8], error: SafetensorsError) {
        #expect(throws: error) { try bytes.withUnsafeBytes { try SafetensorsIndex($0) } }
        #expect(!error.description.isEmpty)
    }

    /// As in the reference library, null is no metadata.
    @Test func metadataMayBeNull() throws {
        let bytes = Self.data("{\"__metadata__\":null,\(Self.one)}", 4)
        let index = try bytes.withUnsafeBytes { try SafetensorsIndex($0) }
        #expect(index.metadata.isEmpty && index.entries.count == 1)
    }

    @Test func metadataMayBeLong() throws {
        let names = (0..<2000).map { "category \($0)" }.joined(separator: "\n")
        let bytes = writeSafetensors([], metadata: [("labels", names)])
        #expect(try bytes.withUnsafeBytes { try SafetensorsIndex($0) }.metadata["labels"] == names)
    }

    @Test(arguments: [
        ("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", ForeignContent.gitLFSPointer),
        ("<!DOCTYPE html>\n<html><body>Not found</body></html>", .webPage),
        ("\u{FEFF}\r\n <HTML lang=\"en\">", .webPage), ("<html>", .webPage),
        ("PK\u{3}\u{4}\u{0}\u{0}archive/data.pkl", .zipArchive),
    ])
    func anotherKindOfFileIsNamed(text: String, content: ForeignContent) {
        let bytes = Array(text.utf8)
        #expect(throws: SafetensorsError.foreign(content)) {
            try bytes.withUnsafeBytes { try SafetensorsIndex($0) }
        }
        #expect(!content.description.isEmpty)
    }

    @Test(arguments: [
        ("b", 1, SafetensorsError.missingTensor("b", found: ["a", "i"])),
        ("i", 1, .unreadableDType(tensor: "i", code: "I64")),
        ("a", 0, .tooManyElements(tensor: "a", count: 1, limit: 0)),
    ])
    func aTensorThatCannotBeReadIsNamed(name: String, limit: Int, error: SafetensorsError) {
        let bytes = Self.data("{\(Self.one),\(Self.entry("i", "I64", "[1]", "[4,12]"))}", 12)
        #expect(throws: error) {
            try bytes.withUnsafeBytes { try readSafetensorsTensor(named: name, in: $0, maximumElements: limit) }
        }
        #expect(!error.description.isEmpty)
    }

    @Test func theOnlyTensorIsTakenWhateverItsName() throws {
        let one = try Self.data("{\(Self.one)}", 4).withUnsafeBytes { try SafetensorsIndex($0) }
        #expect(one.tensorName(preferring: "latents") == "a")
        let two = try Self.data("{\(Self.one),\(Self.entry("i", "I64", "[1]", "[4,12]"))}", 12).withUnsafeBytes {
            try SafetensorsIndex($0)
        }
        #expect(two.tensorName(preferring: "latents") == nil && two.tensorName(preferring: "i") == "i")
    }

    @Test func namesFromAFileCannotBreakAMessage() {
        let error = SafetensorsError.missingTensor("a\u{1B}[2J\n" + String(repeating: "x", count: 5000), found: [])
        let lines = error.description.split(whereSeparator: \.isNewline)
        #expect(lines.count == 1)
        #expect(error.description.count < 300)
        #expect(!error.description.unicodeScalars.contains("\u{1B}"))
    }

    @Test func filesAreWrittenFromFrontToBackOrRefused() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "output-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let file = try OutputFile(path)
        try file.write([1, 2] as [UInt8])
        try file.write([Float(1)])
        try file.write([] as [UInt8])
        try file.close()
        try file.close()
        #expect(try [UInt8](Data(contentsOf: URL(filePath: path))) == [1, 2, 0, 0, 0x80, 0x3F])
        #expect(throws: OutputFileError.cannotCreate(path: "/nowhere/x", errno: ENOENT)) {
            try OutputFile("/nowhere/x")
        }
        #expect(throws: OutputFileError.cannotWrite(path: "/dev/full", errno: ENOSPC)) {
            let full = try OutputFile("/dev/full")
            try full.write([UInt8](repeating: 0, count: 1 << 20))
            try full.close()
        }
    }
}
