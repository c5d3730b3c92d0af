// SPDX-License-Identifier: Apache-2.0

/// Reads of hostile bytes: outside the buffer there is `nil`, never a trap.
struct ByteReader {
    let bytes: UnsafeRawBufferPointer
    var bigEndian = true

    func uint8(at offset: Int) -> UInt8? {
        offset >= 0 && offset < bytes.count ? bytes[offset] : nil
    }

    func uint16(at offset: Int) -> Int? {
        guard offset >= 0, offset <= bytes.count - 2 else { return nil }
        let value = bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
        return Int(bigEndian ? UInt16(bigEndian: value) : UInt16(littleEndian: value))
    }

    /// Little-endian: only WebP has numbers of 24 bits.
    func uint24(at offset: Int) -> Int? {
        guard offset >= 0, offset <= bytes.count - 3 else { return nil }
        return Int(bytes[offset]) | Int(bytes[offset + 1]) << 8 | Int(bytes[offset + 2]) << 16
    }

    func uint32(at offset: Int) -> Int? {
        guard offset >= 0, offset <= bytes.count - 4 else { return nil }
        let value = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
        return Int(bigEndian ? UInt32(bigEndian: value) : UInt32(littleEndian: value))
    }
}

/// A chunk type's four bytes; bytes other than letters and digits are shown as `?`.
func chunkName(_ type: Int) -> String {
    let bytes = [24, 16, 8, 0].map { shift in UInt8(type >> shift & 0xff) }
    let isShown = { (byte: UInt8) in
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
    }
    return String(decoding: bytes.map { byte in isShown(byte) ? byte : 0x3f }, as: UTF8.self)
}
