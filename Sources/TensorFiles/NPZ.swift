// SPDX-License-Identifier: Apache-2.0

/// Writes a numpy archive: a zip of stored `NAME.npy` members, as `numpy.savez` writes it.
///
/// The members have no timestamp, so the same input gives the same bytes.
///
/// - Throws: `NPYError.dtypeUnsupported` for bfloat16.
/// - Source: PKWARE's APPNOTE 6.3, sections 4.3.7, 4.3.12, 4.3.16.
package func writeNPZ(_ arrays: [OutgoingTensor]) throws(NPYError) -> [UInt8] {
    var bytes: [UInt8] = []
    var directory: [UInt8] = []
    for array in arrays {
        let content = try writeNPY(shape: array.shape, dtype: array.dtype, values: array.values)
        let name = Array("\(array.name).npy".utf8)
        let common = ZipFields()
            .u16(20).u16(0).u16(0)  // version needed, flags, stored
            .u16(0).u16(0x21)  // 1980-01-01 00:00
            .u32(CRC32.checksum(content)).u32(UInt32(content.count)).u32(UInt32(content.count))
            .u16(UInt16(name.count)).u16(0)
        directory += ZipFields().u32(0x0201_4B50).u16(20).bytes + common.bytes
        directory += ZipFields().u16(0).u16(0).u16(0).u32(0).u32(UInt32(bytes.count)).bytes + name
        bytes += ZipFields().u32(0x0403_4B50).bytes + common.bytes + name + content
    }
    let end = ZipFields().u32(0x0605_4B50).u16(0).u16(0)
        .u16(UInt16(arrays.count)).u16(UInt16(arrays.count))
        .u32(UInt32(directory.count)).u32(UInt32(bytes.count)).u16(0)
    return bytes + directory + end.bytes
}

/// Little-endian fields, one after the other.
private struct ZipFields {
    var bytes: [UInt8] = []

    func u16(_ value: UInt16) -> ZipFields {
        ZipFields(bytes: bytes + [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)])
    }

    func u32(_ value: UInt32) -> ZipFields {
        u16(UInt16(truncatingIfNeeded: value)).u16(UInt16(truncatingIfNeeded: value >> 16))
    }
}

/// The CRC of zip archives (polynomial 0xEDB88320), four tables at a time.
private enum CRC32 {
    private static let tables: [[UInt32]] = {
        var tables = [
            (0..<256).map { byte -> UInt32 in
                (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
            }
        ]
        for index in 1..<4 { tables.append(tables[index - 1].map { $0 >> 8 ^ tables[0][Int($0 & 255)] }) }
        return tables
    }()

    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        bytes.withUnsafeBytes { raw in
            var index = 0
            while index + 4 <= raw.count {
                crc ^= UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: index, as: UInt32.self))
                crc =
                    tables[3][Int(crc & 255)] ^ tables[2][Int(crc >> 8 & 255)]
                    ^ tables[1][Int(crc >> 16 & 255)] ^ tables[0][Int(crc >> 24)]
                index += 4
            }
            while index < raw.count {
                crc = crc >> 8 ^ tables[0][Int((crc ^ UInt32(raw[index])) & 255)]
                index += 1
            }
        }
        return ~crc
    }
}
