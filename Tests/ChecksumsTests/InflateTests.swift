// SPDX-License-Identifier: Apache-2.0

import Checksums
import Testing

@Suite struct InflateTests {
    // Python's zlib.compress(b"abc" * 40, 9).
    private static let stream: [UInt8] = [
        0x78, 0xda, 0x4b, 0x4c, 0x4a, 0x4e, 0x1c, 0x08, 0x04, 0x00, 0xdb, 0xf6, 0x2d, 0xf1,
    ]
    private static let text = [UInt8](String(repeating: "abc", count: 40).utf8)

    private func result(_ bytes: [UInt8], atMost limit: Int = 1000) -> [UInt8]? {
        bytes.withUnsafeBytes { inflated($0, atMost: limit) }
    }

    @Test func givesTheBytesUpToTheLimit() {
        #expect(result(Self.stream) == Self.text)
        #expect(result(Self.stream, atMost: 120) == Self.text)
        #expect(result(Self.stream, atMost: 119) == nil)
        #expect(result(Self.stream + [1, 2, 3]) == Self.text)
    }

    @Test func aStreamWithoutItsEndGoesAsFarAsItGoes() {
        #expect(result([]) == [])
        for length in 0..<Self.stream.count {
            let part = result(Array(Self.stream.prefix(length))) ?? [0]
            #expect(Self.text.starts(with: part), "\(length) bytes")
        }
    }

    @Test func otherBytesAreRefused() {
        #expect(result([1, 2, 3, 4]) == nil)
        var damaged = Self.stream
        damaged[13] ^= 1
        #expect(result(damaged) == nil)
    }
}
