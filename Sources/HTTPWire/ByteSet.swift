// SPDX-License-Identifier: Apache-2.0

/// A set of ASCII bytes, as two words: hashing each byte of a request would cost more than all other checks.
struct ByteSet: Sendable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    /// - Precondition: `members` is ASCII.
    init(_ members: StaticString) {
        members.withUTF8Buffer { bytes in
            for byte in bytes {
                precondition(byte < 128, "only ASCII bytes can be members")
                if byte < 64 { low |= 1 << UInt64(byte) } else { high |= 1 << UInt64(byte - 64) }
            }
        }
    }

    func contains(_ byte: UInt8) -> Bool {
        if byte >= 128 { return false }
        return (byte < 64 ? low >> UInt64(byte) : high >> UInt64(byte - 64)) & 1 == 1
    }
}
