// SPDX-License-Identifier: Apache-2.0

/// The character classes of HTTP, on bytes: comparing hostile input as text folds and normalises characters.
enum HTTPOctet {
    static let cr = UInt8(ascii: "\r")
    static let lf = UInt8(ascii: "\n")
    static let colon = UInt8(ascii: ":")
    static let comma = UInt8(ascii: ",")

    /// SP and HTAB only (RFC 9110 5.6.3): never VT, FF, 0x85 or 0xA0.
    static func isSpace(_ octet: UInt8) -> Bool { octet == 0x20 || octet == 0x09 }

    /// RFC 9110 5.5: VCHAR, obs-text, SP, HTAB.
    static func isFieldContent(_ octet: UInt8) -> Bool { octet >= 0x20 && octet != 0x7F || octet == 0x09 }

    static func isDigit(_ octet: UInt8) -> Bool { (0x30...0x39).contains(octet) }

    static func isLetter(_ octet: UInt8) -> Bool { (0x61...0x7A).contains(octet | 0x20) }

    /// RFC 9110 5.6.2 `tchar`.
    static func isToken(_ octet: UInt8) -> Bool { tokenTable[Int(octet)] }

    private static let tokenTable: [Bool] = {
        let others = Array("!#$%&'*+-.^_`|~".utf8)
        return (0..<256).map { value in
            let octet = UInt8(value)
            return isDigit(octet) || isLetter(octet) || others.contains(octet)
        }
    }()

    static func hexadecimalValue(_ octet: UInt8) -> Int? {
        switch octet {
        case 0x30...0x39: Int(octet) - 0x30
        case 0x41...0x46: Int(octet) - 0x41 + 10
        case 0x61...0x66: Int(octet) - 0x61 + 10
        default: nil
        }
    }

    /// Whether bytes spell an ASCII word in any letter case.
    ///
    /// On bytes, because text would also fold the Kelvin sign to `k`.
    static func matches(_ octets: some Collection<UInt8>, lowerCase word: StaticString) -> Bool {
        guard octets.count == word.utf8CodeUnitCount else { return false }
        return word.withUTF8Buffer { word in
            zip(octets, word).allSatisfy { octet, expected in
                octet == expected || (isLetter(octet) && octet | 0x20 == expected)
            }
        }
    }

    /// The elements of a comma-separated list, without the white space around them (RFC 9110 5.6.1).
    static func elements(_ list: UnsafeRawBufferPointer) -> [Slice<UnsafeRawBufferPointer>] {
        list.split(separator: comma, omittingEmptySubsequences: false).map { trimmed($0) }
    }

    static func trimmed(_ octets: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
        var octets = octets
        while let first = octets.first, isSpace(first) { octets.removeFirst() }
        while let last = octets.last, isSpace(last) { octets.removeLast() }
        return octets
    }
}
