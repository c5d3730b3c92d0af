// SPDX-License-Identifier: Apache-2.0

/// CRC-32 of PNG chunks (polynomial 0xEDB88320), eight bytes a turn.
enum PNGChecksum {
    /// Eight tables of 256: table k advances a byte past k further bytes.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for index in 0..<256 {
            var value = UInt32(index)
            for _ in 0..<8 { value = value & 1 == 1 ? 0xedb8_8320 ^ value >> 1 : value >> 1 }
            tables[index] = value
        }
        for index in 256..<8 * 256 {
            let before = tables[index - 256]
            tables[index] = tables[Int(before & 0xff)] ^ before >> 8
        }
        return tables
    }()

    static func crc32(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        tables.withUnsafeBufferPointer { tables in
            var crc: UInt32 = 0xffff_ffff
            var offset = 0
            while offset + 8 <= bytes.count {
                let word =
                    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) ^ UInt64(crc)
                crc = 0
                for index in 0..<8 {
                    crc ^= tables[(7 - index) * 256 + Int(word >> UInt64(8 * index) & 0xff)]
                }
                offset += 8
            }
            while offset < bytes.count {
                crc = tables[Int((crc ^ UInt32(bytes[offset])) & 0xff)] ^ crc >> 8
                offset += 1
            }
            return ~crc
        }
    }
}
