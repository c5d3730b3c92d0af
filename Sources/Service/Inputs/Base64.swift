// SPDX-License-Identifier: Apache-2.0

/// Base64 of the standard or the URL-safe alphabet (RFC 4648 4 and 5), as written between the quotes of a JSON string.
///
/// Padding is complete or left out. Line breaks, white space and anything after the padding are refused.
///
/// Escapes are those of JSON: some writers put `\/` for `/`, others `\u002B` for `+`. They are decoded on the way, so
/// that a string of many megabytes is not copied first.
///
/// - Parameter text: the bytes of a JSON string.
/// - Returns: the decoded bytes; nil if the string is not base64.
func decodeBase64(jsonText text: UnsafeRawBufferPointer) -> [UInt8]? {
    var decoder = Base64Decoder(text: text)
    var isWhole = false
    let bytes = [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3 + 3) { target, count in
        isWhole = decoder.decode(into: target, &count)
    }
    return isWhole ? bytes : nil
}

/// The base64 of a `data:` URI (RFC 2397), whose media type is not looked at: files are known by their first bytes.
///
/// - Parameter text: the bytes of a JSON string.
/// - Returns: the text itself if it is no such URI; nil for one that is not base64.
func base64(ofDataURI text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    func begins(_ bytes: some Collection<UInt8>, with word: StaticString) -> Bool {
        bytes.count == word.utf8CodeUnitCount
            && word.withUTF8Buffer { word in zip(bytes, word).allSatisfy { $0 | 0x20 == $1 || $0 == $1 } }
    }
    guard begins(text.prefix(5), with: "data:") else { return text }
    let mark: StaticString = ";base64"
    guard let comma = text.prefix(256).firstIndex(of: UInt8(ascii: ",")),
        begins(text[..<comma].suffix(mark.utf8CodeUnitCount), with: mark)
    else { return nil }
    return UnsafeRawBufferPointer(rebasing: text[(comma + 1)...])
}

private struct Base64Decoder {
    let text: UnsafeRawBufferPointer
    private var index = 0

    private static let padding = UInt8(ascii: "=")
    /// Digits by their characters; anything else has bit 7.
    private static let digits: [UInt8] = {
        var digits = [UInt8](repeating: 0x80, count: 256)
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
        for (value, character) in alphabet.enumerated() { digits[Int(character)] = UInt8(value) }
        digits[Int(UInt8(ascii: "-"))] = 62
        digits[Int(UInt8(ascii: "_"))] = 63
        return digits
    }()

    init(text: UnsafeRawBufferPointer) {
        self.text = text
    }

    /// - Returns: false: the text is not base64.
    mutating func decode(into target: UnsafeMutableBufferPointer<UInt8>, _ count: inout Int) -> Bool {
        Self.digits.withUnsafeBufferPointer { digits in
            while index < text.count {
                var group: UInt32 = 0
                if index + 4 <= text.count {
                    let first = digits[Int(text[index])]
                    let second = digits[Int(text[index + 1])]
                    let third = digits[Int(text[index + 2])]
                    let fourth = digits[Int(text[index + 3])]
                    if (first | second | third | fourth) < 64 {
                        index += 4
                        group = UInt32(first) << 18 | UInt32(second) << 12 | UInt32(third) << 6 | UInt32(fourth)
                        put(group, 3, into: target, &count)
                        continue
                    }
                }
                guard let byteCount = slowGroup(digits, &group) else { return false }
                put(group, byteCount, into: target, &count)
                // Nothing may follow padding.
                if byteCount < 3 { return index == text.count }
            }
            return true
        }
    }

    private func put(
        _ group: UInt32,
        _ byteCount: Int,
        into target: UnsafeMutableBufferPointer<UInt8>,
        _ count: inout Int
    ) {
        for place in 0..<byteCount {
            target[count] = UInt8(truncatingIfNeeded: group >> UInt32(16 - 8 * place))
            count += 1
        }
    }

    /// Four characters with escapes or padding among them, or the last two or three of a text without padding.
    ///
    /// - Returns: the number of bytes that they encode; nil if they are not base64.
    private mutating func slowGroup(_ digits: UnsafeBufferPointer<UInt8>, _ group: inout UInt32) -> Int? {
        var padding = 0
        for place in 0..<4 {
            if index == text.count, place >= 2, padding == 0 {
                group <<= UInt32(6 * (4 - place))
                return place - 1
            }
            guard let character = character() else { return nil }
            if character == Self.padding, place >= 2 {
                padding += 1
                group <<= 6
            } else {
                let digit = digits[Int(character)]
                guard digit < 64, padding == 0 else { return nil }
                group = group << 6 | UInt32(digit)
            }
        }
        return 3 - padding
    }

    /// The next character, unescaped; nil at the end and for a character that is not ASCII.
    private mutating func character() -> UInt8? {
        guard index < text.count else { return nil }
        let first = text[index]
        index += 1
        guard first == UInt8(ascii: "\\") else { return first }
        guard index < text.count else { return nil }
        let kind = text[index]
        index += 1
        if kind == UInt8(ascii: "/") { return kind }
        guard kind == UInt8(ascii: "u"), index + 4 <= text.count else { return nil }
        var value = 0
        for byte in text[index..<index + 4] {
            guard let digit = Self.hexadecimalValue(byte) else { return nil }
            value = value << 4 | digit
        }
        index += 4
        return value < 128 ? UInt8(value) : nil
    }

    private static func hexadecimalValue(_ byte: UInt8) -> Int? {
        switch byte {
        case 0x30...0x39: Int(byte) - 0x30
        case 0x41...0x46: Int(byte) - 0x41 + 10
        case 0x61...0x66: Int(byte) - 0x61 + 10
        default: nil
        }
    }
}
