// SPDX-License-Identifier: Apache-2.0

import Fixtures
import TensorFiles
import Testing

@Suite struct NPYTests {
    /// An array file with a header of one's own.
    private static func file(_ header: String, version: UInt8 = 1, data: [UInt8] = []) -> [UInt8] {
        let text = Array(header.utf8)
        let length =
            version == 1
            ? withUnsafeBytes(of: UInt16(text.count).littleEndian) { [UInt8]($0) }
            : withUnsafeBytes(of: UInt32(text.count).littleEndian) { [UInt8]($0) }
        return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + text + data
    }

    private func read(_ bytes: [UInt8], limit: Int = 100) throws -> TensorArray {
        try bytes.withUnsafeBytes { try readNPY($0, maximumElements: limit) }
    }

    @Test(arguments: [[Int](), [0], [3], [2, 3], [1, 2, 3]], [TensorDType.float32, .float16])
    func whatIsWrittenIsReadBack(shape: [Int], dtype: TensorDType) throws {
        let values = (0..<shape.reduce(1, *)).map { Float($0) / 4 }
        let bytes = try writeNPY(shape: shape, dtype: dtype, values: values)
        let made = try read(bytes)
        #expect(made.shape == shape)
        #expect(made.values == values)
        // numpy aligns the data to 64 bytes.
        #expect((bytes.count - values.count * dtype.byteCount).isMultiple(of: 64))
    }

    @Test(arguments: [UInt8(1), 2, 3])
    func everyVersionAndOrderOfMembersIsRead(version: UInt8) throws {
        let header = "{\"shape\": (2,), 'fortran_order': False , 'descr': '|u1'}"
        #expect(try read(Self.file(header, version: version, data: [7, 9])).values == [7, 9])
    }

    @Test(arguments: [
        ([UInt8](), NPYError.notNPY), (Array("\u{93}NUMPX0123".utf8), .notNPY),
        (file("", version: 4), .unsupportedVersion(major: 4)), (Array(file("", version: 2).prefix(11)), .notNPY),
        (Array(file("{'descr'").dropLast()), .headerBeyondEnd(bytes: 8, available: 7)),
        (file("{'descr': '<f4', 'fortran_order': False}"), .malformedHeader),
        (file("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,)}"), .malformedHeader),
        (file("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}"), .malformedHeader),
        (file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}"), .malformedHeader),
        (file("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}"), .malformedHeader),
        (file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x"), .malformedHeader),
        (file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}"), .dtypeUnsupported("[('a', '<f4')]")),
        (file("{'descr': [('a', '<f4'), 'fortran_order': False, 'shape': (1,)}"), .malformedHeader),
        (file("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}"), .dtypeUnsupported("<c8")),
        (
            file("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}"), .shapeOverflow
        ),
        (
            file("{'descr': '<f4', 'fortran_order': False, 'shape': (101,)}"),
            .tooManyElements(count: 101, limit: 100)
        ),
        (
            file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", data: [0, 0, 0, 0]),
            .lengthMismatch(expected: 8, found: 4)
        ),
    ])
    func everyFaultHasItsError(bytes: [UInt8], error: NPYError) {
        #expect(throws: error) { try read(bytes) }
    }

    @Test(arguments: ["little-f2", "little-f4", "little-f8", "big-f2", "big-f4", "big-f8"], ["C", "F"])
    func everyFormThatNumpySavesIsRead(type: String, order: String) throws {
        #expect(try read(Fixtures.bytes("arrays/\(type)-\(order).npy")) == Self.saved)
    }

    @Test(arguments: 1...3) func everyVersionThatNumpySavesIsRead(version: Int) throws {
        #expect(try read(Fixtures.bytes("arrays/version-\(version).npy")) == Self.saved)
    }

    @Test(arguments: [
        ("int64", "<i8"), ("bool", "|b1"), ("complex", "<c8"), ("long", "<f16"), ("text", "<U4"), ("object", "|O"),
        ("structured", "[('a', '<f4'), ('b', '<f4', (2,))]"), ("uint8", "|u1"),
    ])
    func aTypeThatNoLatentHasIsNamed(name: String, description: String) throws {
        let file = try Fixtures.bytes("arrays/refused-\(name).npy")
        #expect(throws: NPYError.dtypeUnsupported(description)) {
            try file.withUnsafeBytes { try readNPY($0, maximumElements: 100, dtypes: TensorDType.floatingPoint) }
        }
    }

    /// What `make_array_cases.py` saves.
    static let saved = TensorArray(shape: [2, 3, 4], values: (0..<24).map { Float($0) / 4 })

    @Test func numpyHasNoBfloat16() {
        #expect(throws: NPYError.dtypeUnsupported("bfloat16")) {
            try writeNPY(shape: [1], dtype: .bfloat16, values: [1])
        }
    }
}
