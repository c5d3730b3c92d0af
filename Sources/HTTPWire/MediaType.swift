// SPDX-License-Identifier: Apache-2.0

/// A media type with its parameters (RFC 9110 8.3.1).
package struct MediaType: Sendable, Equatable {
    /// `type/subtype`, lower case.
    package let essence: String
    /// By lower-case name; quoted values without their quotes.
    package let parameters: [(name: String, value: String)]

    package static func == (a: MediaType, b: MediaType) -> Bool {
        a.essence == b.essence && a.parameters.elementsEqual(b.parameters) { $0 == $1 }
    }

    /// nil: not a media type.
    package init?(parsing text: String) {
        let sections = Self.sections(text, separator: UInt8(ascii: ";"))
        guard let first = sections.first else { return nil }
        let halves = first.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard halves.count == 2, halves.allSatisfy({ !$0.isEmpty && $0.allSatisfy(HTTPByte.isToken) }) else {
            return nil
        }
        essence = String(decoding: first, as: UTF8.self).lowercased()
        var parameters: [(name: String, value: String)] = []
        for section in sections.dropFirst() where !section.isEmpty {
            guard let equals = section.firstIndex(of: UInt8(ascii: "=")), equals > section.startIndex,
                section[..<equals].allSatisfy(HTTPByte.isToken),
                let value = Self.value(section[section.index(after: equals)...])
            else { return nil }
            parameters.append((String(decoding: section[..<equals], as: UTF8.self).lowercased(), value))
        }
        self.parameters = parameters
    }

    package var isMultipartForm: Bool { essence == "multipart/form-data" }

    package func parameter(_ name: String) -> String? {
        parameters.first { $0.name == name }?.value
    }

    /// A token, or a quoted string with its escapes undone.
    private static func value(_ bytes: ArraySlice<UInt8>) -> String? {
        guard bytes.first == UInt8(ascii: "\"") else {
            return bytes.isEmpty || !bytes.allSatisfy(HTTPByte.isToken)
                ? nil : String(decoding: bytes, as: UTF8.self)
        }
        guard bytes.count >= 2, bytes.last == UInt8(ascii: "\"") else { return nil }
        var value: [UInt8] = []
        var isEscaped = false
        for byte in bytes.dropFirst().dropLast() {
            if byte == UInt8(ascii: "\\"), !isEscaped {
                isEscaped = true
            } else {
                value.append(byte)
                isEscaped = false
            }
        }
        return isEscaped ? nil : String(validating: value, as: UTF8.self)
    }

    /// Splits at a separator outside quotes and trims white space.
    static func sections(_ text: String, separator: UInt8) -> [ArraySlice<UInt8>] {
        let bytes = Array(text.utf8)
        var sections: [ArraySlice<UInt8>] = []
        var start = 0
        var isQuoted = false
        var isEscaped = false
        for index in 0...bytes.count {
            if index == bytes.count || bytes[index] == separator && !isQuoted {
                var section = bytes[start..<index]
                while let first = section.first, HTTPByte.isSpace(first) { section.removeFirst() }
                while let last = section.last, HTTPByte.isSpace(last) { section.removeLast() }
                sections.append(section)
                start = index + 1
            } else if isEscaped {
                isEscaped = false
            } else if bytes[index] == UInt8(ascii: "\\") {
                isEscaped = isQuoted
            } else if bytes[index] == UInt8(ascii: "\"") {
                isQuoted.toggle()
            }
        }
        return sections
    }
}

/// An `Accept` header (RFC 9110 12.5.1).
///
/// Malformed elements are skipped: the header only states preferences.
package struct AcceptHeader: Sendable {
    private let ranges: [(essence: String, quality: Double)]

    package init(parsing text: String) {
        ranges = MediaType.sections(text, separator: UInt8(ascii: ",")).compactMap { element in
            guard let range = MediaType(parsing: String(decoding: element, as: UTF8.self)) else { return nil }
            guard let weight = range.parameter("q") else { return (range.essence, 1) }
            guard let quality = Double(weight), (0...1).contains(quality) else { return nil }
            return (range.essence, quality)
        }
    }

    /// True if any type is acceptable.
    package var isIndifferent: Bool {
        ranges.isEmpty || ranges.allSatisfy { $0.essence == "*/*" && $0.quality > 0 }
    }

    /// The quality of a type, 0...1; the most specific range decides.
    package func quality(of essence: String) -> Double {
        if ranges.isEmpty { return 1 }
        let group = essence.prefix { $0 != "/" } + "/*"
        for wanted in [essence, String(group), "*/*"] {
            if let range = ranges.first(where: { $0.essence == wanted }) { return range.quality }
        }
        return 0
    }
}
