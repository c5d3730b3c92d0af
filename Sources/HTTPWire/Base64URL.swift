// SPDX-License-Identifier: Apache-2.0

/// Decodes base64url without padding (RFC 4648 5); nil: anything else, stray bits at the end included.
func decodeBase64URL(_ text: [UInt8]) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count * 3 / 4)
    var buffer: UInt32 = 0
    var bits = 0
    for character in text {
        let digit: UInt8
        switch character {
        case 0x41...0x5A: digit = character - 0x41
        case 0x61...0x7A: digit = character - 0x61 + 26
        case 0x30...0x39: digit = character - 0x30 + 52
        case UInt8(ascii: "-"): digit = 62
        case UInt8(ascii: "_"): digit = 63
        default: return nil
        }
        buffer = buffer << 6 & 0xFFFFFF | UInt32(digit)
        bits += 6
        if bits >= 8 {
            bits -= 8
            bytes.append(UInt8(truncatingIfNeeded: buffer >> UInt32(bits)))
        }
    }
    guard text.count % 4 != 1, buffer & (1 << UInt32(bits) - 1) == 0 else { return nil }
    return bytes
}
