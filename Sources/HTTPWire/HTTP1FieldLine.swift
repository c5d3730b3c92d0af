// SPDX-License-Identifier: Apache-2.0

/// One header field line, split and checked.
struct HTTP1FieldLine {
    let name: String
    let value: String

    /// - Parameter line: without its CRLF.
    /// - Throws: `.lineFolding`, `.malformedField`, `.invalidFieldValue`.
    init(_ line: UnsafeRawBufferPointer) throws(HTTPRefusal) {
        if let first = line.first, HTTPOctet.isSpace(first) { throw .lineFolding }
        guard let colon = line.firstIndex(of: HTTPOctet.colon), colon > 0 else { throw .malformedField }
        // White space before the colon is not a token character, so RFC 9112 5.1's MUST falls out of this.
        guard line[..<colon].allSatisfy(HTTPOctet.isToken) else { throw .malformedField }
        var range = colon + 1..<line.count
        while let first = range.first, HTTPOctet.isSpace(line[first]) { range.removeFirst() }
        while let last = range.last, HTTPOctet.isSpace(line[last]) { range.removeLast() }
        guard line[range].allSatisfy(HTTPOctet.isFieldContent) else { throw .invalidFieldValue }
        name = String(decoding: line[..<colon], as: UTF8.self)
        value = String(decoding: line[range], as: UTF8.self)
    }
}
