// SPDX-License-Identifier: Apache-2.0

import CZlib

/// CRC-32 of PNG chunks and zip archives (polynomial 0xEDB88320), by zlib.
///
/// - Source: PNG third edition, annex D; PKWARE's APPNOTE 6.3, section 4.4.7.
package func crc32(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    UInt32(truncatingIfNeeded: crc32_z(0, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count))
}
