// SPDX-License-Identifier: Apache-2.0

/// The character classes of HTTP, on bytes: comparing hostile input as text folds and normalises characters.
enum HTTPByte {
    static let cr = UInt8(ascii: "\r")
    static let lf = UInt8(ascii: "\n")
    static let colon = UInt8(ascii: ":")
    static let comma = UInt8(ascii: ",")

    /// SP and HTAB only (RFC 9110 5.6.3): never VT, FF, 0x85 or 0xA0.
    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// RFC 9110 5.5: VCHAR, obs-text, SP, HTAB.
    static func isFieldContent(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7F || byte == 0x09 }

    static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }

    /// RFC 9110 5.6.2 `tchar`.
    static func isToken(_ byte: UInt8) -> Bool { tokenTable[Int(byte)] }

    private static let tokenTable: [Bool] = {
        let others = Array("!#$%&'*+-.^_`|~".utf8)
        return (0..<256).map { value in
            let byte = UInt8(value)
            return isDigit(byte) || isLetter(byte) || others.contains(byte)
        }
    }()

    static func hexadecimalValue(_ byte: UInt8) -> Int? {
        switch byte {
        case 0x30...0x39: Int(byte) - 0x30
        case 0x41...0x46: Int(byte) - 0x41 + 10
        case 0x61...0x66: Int(byte) - 0x61 + 10
        default: nil
        }
    }

    /// Whether bytes spell an ASCII word in any letter case.
    ///
    /// On bytes, because text would also fold the Kelvin sign to `k`.
    static func matches(_ bytes: some Collection<UInt8>, lowerCase word: StaticString) -> Bool {
        guard bytes.count == word.utf8CodeUnitCount else { return false }
        return word.withUTF8Buffer { word in
            zip(bytes, word).allSatisfy { byte, expected in
                byte == expected || (isLetter(byte) && byte | 0x20 == expected)
            }
        }
    }

    /// The elements of a comma-separated list, without the white space around them (RFC 9110 5.6.1).
    static func elements(_ list: UnsafeRawBufferPointer) -> [Slice<UnsafeRawBufferPointer>] {
        list.split(separator: comma, omittingEmptySubsequences: false).map { trimmed($0) }
    }

    static func trimmed(_ bytes: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
        var bytes = bytes
        while let first = bytes.first, isSpace(first) { bytes.removeFirst() }
        while let last = bytes.last, isSpace(last) { bytes.removeLast() }
        return bytes
    }
}
