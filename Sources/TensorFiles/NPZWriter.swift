// SPDX-License-Identifier: Apache-2.0

import Checksums

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
            .u32(content.withUnsafeBytes { crc32($0) }).u32(UInt32(content.count)).u32(UInt32(content.count))
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
