// SPDX-License-Identifier: Apache-2.0

/// One header field line, split and checked; both halves lie in the line's memory.
struct HTTP1FieldLine {
    let name: UnsafeRawBufferPointer
    let value: UnsafeRawBufferPointer

    /// - Parameter line: without its CRLF.
    /// - Throws: `.lineFolding`, `.malformedField`, `.invalidFieldValue`.
    init(_ line: UnsafeRawBufferPointer) throws(HTTPRefusal) {
        if let first = line.first, HTTPByte.isSpace(first) { throw .lineFolding }
        guard let colon = line.firstIndex(of: HTTPByte.colon), colon > 0 else { throw .malformedField }
        name = UnsafeRawBufferPointer(rebasing: line[..<colon])
        // White space is not a token character, so white space before the colon is refused (RFC 9112 5.1).
        guard name.allSatisfy(HTTPByte.isToken) else { throw .malformedField }
        value = UnsafeRawBufferPointer(rebasing: HTTPByte.trimmed(line[(colon + 1)...]))
        guard value.allSatisfy(HTTPByte.isFieldContent) else { throw .invalidFieldValue }
    }

    var nameText: String { String(decoding: name, as: UTF8.self) }
    var valueText: String { String(decoding: value, as: UTF8.self) }
}
