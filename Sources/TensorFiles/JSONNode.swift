// SPDX-License-Identifier: Apache-2.0

/// A parsed JSON value of a request body.
///
/// Strings stay ranges of the body, so that a base64 image is not copied.
package indirect enum JSONNode: Sendable, Equatable {
    case null
    case bool(Bool)
    /// The digits as sent.
    case number(String)
    case string(JSONString)
    case array([JSONNode])
    case object([JSONMember])
}

package struct JSONMember: Sendable, Equatable {
    package let key: String
    package let value: JSONNode
    /// Where the value begins, in bytes from the start of the body.
    package let offset: Int
}

/// A string's place in the body, between its quotes.
package struct JSONString: Sendable, Equatable {
    package let range: Range<Int>
    /// The text; nil if it is too long for anything but base64 data.
    package let text: String?
}

/// Why a body is not the JSON that it should be; offsets count bytes from its start.
package enum JSONError: Error, Equatable {
    case unexpectedByte(UInt8, offset: Int)
    case unexpectedEnd(offset: Int)
    case tooDeep(limit: Int, offset: Int)
    case tooManyValues(limit: Int, offset: Int)
    case duplicateKey(String, offset: Int)
    case invalidNumber(offset: Int)
    case invalidString(offset: Int)
    /// The name of a member, which is never data.
    case nameTooLong(limit: Int, offset: Int)
}

/// A strict RFC 8259 parser: bounded depth and count, no duplicate keys, UTF-8 checked, nothing after the value.
///
/// Foundation's reader neither refuses duplicate keys nor reports byte offsets, and it copies every string.
package struct JSONParser {
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0
    private var valueCount = 0
    private let depthLimit: Int
    private let valueLimit: Int
    private let textLimit: Int

    private init(_ bytes: [UInt8], from start: Int, depthLimit: Int, valueLimit: Int, textLimit: Int) {
        self.bytes = bytes
        position = start
        self.depthLimit = depthLimit
        self.valueLimit = valueLimit
        self.textLimit = textLimit
    }

    /// Parses a whole body.
    ///
    /// - Parameters:
    ///   - bytes: the body.
    ///   - start: where the JSON begins, such as after a byte order mark.
    ///   - depthLimit: the most arrays and objects inside each other.
    ///   - valueLimit: the most values.
    ///   - textLimit: longer strings, in bytes, stay in the body; in a request, only base64 data is longer.
    /// - Returns: the value.
    /// - Throws: `JSONError`, with the offset of the first byte that does not fit.
    package static func parse(
        _ bytes: [UInt8],
        from start: Int = 0,
        depthLimit: Int = 16,
        valueLimit: Int = 100_000,
        textLimit: Int = 4096
    ) throws(JSONError) -> JSONNode {
        var parser = JSONParser(
            bytes,
            from: start,
            depthLimit: depthLimit,
            valueLimit: valueLimit,
            textLimit: textLimit
        )
        let value = try parser.value()
        parser.skipSpace()
        if let byte = parser.peek() { throw .unexpectedByte(byte, offset: parser.position) }
        return value
    }

    private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func expect(_ byte: UInt8) throws(JSONError) {
        guard let found = peek() else { throw .unexpectedEnd(offset: position) }
        guard found == byte else { throw .unexpectedByte(found, offset: position) }
        position += 1
    }

    private mutating func expect(word: StaticString) throws(JSONError) {
        for index in 0..<word.utf8CodeUnitCount { try expect(word.utf8Start[index]) }
    }

    private mutating func value() throws(JSONError) -> JSONNode {
        skipSpace()
        valueCount += 1
        if valueCount > valueLimit { throw .tooManyValues(limit: valueLimit, offset: position) }
        guard let byte = peek() else { throw .unexpectedEnd(offset: position) }
        switch byte {
        case UInt8(ascii: "{"): return try nested { (parser) throws(JSONError) in try parser.object() }
        case UInt8(ascii: "["): return try nested { (parser) throws(JSONError) in try parser.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"):
            try expect(word: "true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try expect(word: "false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try expect(word: "null")
            return .null
        default: return try number(first: byte)
        }
    }

    private mutating func nested(
        _ body: (inout JSONParser) throws(JSONError) -> JSONNode
    ) throws(JSONError) -> JSONNode {
        if depth == depthLimit { throw .tooDeep(limit: depthLimit, offset: position) }
        depth += 1
        position += 1
        let node = try body(&self)
        depth -= 1
        return node
    }

    private mutating func object() throws(JSONError) -> JSONNode {
        var members: [JSONMember] = []
        var keys: Set<String> = []
        skipSpace()
        if peek() == UInt8(ascii: "}") {
            position += 1
            return .object([])
        }
        while true {
            skipSpace()
            let start = position
            let key = try string()
            guard let text = key.text else { throw .nameTooLong(limit: textLimit, offset: start) }
            guard keys.insert(text).inserted else { throw .duplicateKey(text, offset: start) }
            skipSpace()
            try expect(UInt8(ascii: ":"))
            skipSpace()
            let offset = position
            members.append(JSONMember(key: text, value: try value(), offset: offset))
            skipSpace()
            guard peek() == UInt8(ascii: ",") else {
                try expect(UInt8(ascii: "}"))
                return .object(members)
            }
            position += 1
        }
    }

    private mutating func array() throws(JSONError) -> JSONNode {
        var elements: [JSONNode] = []
        skipSpace()
        if peek() == UInt8(ascii: "]") {
            position += 1
            return .array([])
        }
        while true {
            elements.append(try value())
            skipSpace()
            guard peek() == UInt8(ascii: ",") else {
                try expect(UInt8(ascii: "]"))
                return .array(elements)
            }
            position += 1
        }
    }

    private mutating func string() throws(JSONError) -> JSONString {
        let start = position
        try expect(UInt8(ascii: "\""))
        let first = position
        var hasEscapes = false
        while true {
            guard let byte = peek() else { throw .unexpectedEnd(offset: position) }
            if byte == UInt8(ascii: "\"") { break }
            if byte < 0x20 { throw .unexpectedByte(byte, offset: position) }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                position += 1
            }
            position += 1
        }
        let range = first..<position
        position += 1
        if range.count > textLimit { return JSONString(range: range, text: nil) }
        guard let text = unescaped(range, hasEscapes: hasEscapes) else { throw .invalidString(offset: start) }
        return JSONString(range: range, text: text)
    }

    private func unescaped(_ range: Range<Int>, hasEscapes: Bool) -> String? {
        guard hasEscapes else { return String(validating: bytes[range], as: UTF8.self) }
        var units: [UInt16] = []
        var plain = range.lowerBound
        var index = range.lowerBound
        func flush() -> Bool {
            guard let text = String(validating: bytes[plain..<index], as: UTF8.self) else { return false }
            units.append(contentsOf: text.utf16)
            return true
        }
        while index < range.upperBound {
            guard bytes[index] == UInt8(ascii: "\\") else {
                index += 1
                continue
            }
            guard flush(), index + 1 < range.upperBound else { return nil }
            let kind = bytes[index + 1]
            index += 2
            switch kind {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): units.append(UInt16(kind))
            case UInt8(ascii: "b"): units.append(8)
            case UInt8(ascii: "f"): units.append(12)
            case UInt8(ascii: "n"): units.append(10)
            case UInt8(ascii: "r"): units.append(13)
            case UInt8(ascii: "t"): units.append(9)
            case UInt8(ascii: "u"):
                guard index + 4 <= range.upperBound, let unit = hexadecimal(at: index) else { return nil }
                units.append(unit)
                index += 4
            default: return nil
            }
            plain = index
        }
        guard flush() else { return nil }
        return String(validating: units, as: UTF16.self)
    }

    private func hexadecimal(at index: Int) -> UInt16? {
        var unit: UInt16 = 0
        for byte in bytes[index..<index + 4] {
            guard let digit = Character(UnicodeScalar(byte)).hexDigitValue else { return nil }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }

    private mutating func number(first: UInt8) throws(JSONError) -> JSONNode {
        let start = position
        guard first == UInt8(ascii: "-") || isDigit(first) else { throw .unexpectedByte(first, offset: position) }
        if first == UInt8(ascii: "-") { position += 1 }
        let leading = peek()
        let integerDigits = skipDigits()
        guard integerDigits > 0, leading != UInt8(ascii: "0") || integerDigits == 1 else {
            throw .invalidNumber(offset: start)
        }
        if peek() == UInt8(ascii: ".") {
            position += 1
            guard skipDigits() > 0 else { throw .invalidNumber(offset: start) }
        }
        if peek() == UInt8(ascii: "e") || peek() == UInt8(ascii: "E") {
            position += 1
            if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { position += 1 }
            guard skipDigits() > 0 else { throw .invalidNumber(offset: start) }
        }
        guard position - start <= 64 else { throw .invalidNumber(offset: start) }
        return .number(String(decoding: bytes[start..<position], as: UTF8.self))
    }

    private func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private mutating func skipDigits() -> Int {
        let start = position
        while let byte = peek(), isDigit(byte) { position += 1 }
        return position - start
    }
}
