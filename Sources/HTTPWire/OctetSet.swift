// SPDX-License-Identifier: Apache-2.0

/// A set of ASCII bytes, as two words: hashing each byte of a request would cost more than all other checks.
struct OctetSet: Sendable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    /// - Precondition: `members` is ASCII.
    init(_ members: StaticString) {
        members.withUTF8Buffer { octets in
            for octet in octets {
                precondition(octet < 128, "only ASCII octets can be members")
                if octet < 64 { low |= 1 << UInt64(octet) } else { high |= 1 << UInt64(octet - 64) }
            }
        }
    }

    func contains(_ octet: UInt8) -> Bool {
        if octet >= 128 { return false }
        return (octet < 64 ? low >> UInt64(octet) : high >> UInt64(octet - 64)) & 1 == 1
    }
}
