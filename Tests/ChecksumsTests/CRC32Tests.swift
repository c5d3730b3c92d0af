// SPDX-License-Identifier: Apache-2.0

import Checksums
import Testing

@Suite struct CRC32Tests {
    // The check value of the CRC catalogue, and what Python's zlib.crc32 says of the others.
    @Test(
        arguments: [
            ("", 0), ("a", 0xE8B7_BE43), ("123456789", 0xCBF4_3926),
            (String(repeating: "a", count: 1_000_000), 0xDC25_BFBC),
        ] as [(String, UInt32)]
    )
    func equalsKnownValues(text: String, expected: UInt32) {
        #expect(Array(text.utf8).withUnsafeBytes { crc32($0) } == expected)
    }
}
