// SPDX-License-Identifier: Apache-2.0

/// One part of a form, its content a range of the body.
package struct MultipartPart: Sendable, Equatable {
    package var name: String?
    package var filename: String?
    package var contentType: String?
    package var body: Range<Int>
}

package struct MultipartLimits: Sendable {
    package var parts: Int
    package var partHeaderBytes = 8 << 10

    package init(parts: Int = 512) {
        self.parts = parts
    }
}

/// Why a body is not `multipart/form-data`; offsets count bytes from its start.
package enum MultipartError: Error, Equatable {
    case missingBoundary
    case invalidBoundary(length: Int)
    case noParts
    case malformedBoundaryLine(offset: Int)
    case malformedPartHeader(offset: Int)
    /// RFC 7578 4.2: every part has exactly one `Content-Disposition: form-data`.
    case missingDisposition(offset: Int)
    case repeatedDisposition(offset: Int)
    case partHeaderTooLong(limit: Int, offset: Int)
    case tooManyParts(limit: Int, offset: Int)
    case missingEnd(offset: Int)
}

/// Parses a form without copying its content.
///
/// - Parameters:
///   - body: the whole body; preamble and epilogue are skipped.
///   - boundary: 1...70 characters (RFC 2046 5.1.1).
///   - limits: of parts and their headers.
/// - Returns: the parts, in order.
/// - Throws: `MultipartError`.
package func parseMultipart(
    _ body: [UInt8],
    boundary: String,
    limits: MultipartLimits = MultipartLimits()
) throws(MultipartError) -> [MultipartPart] {
    let name = Array(boundary.utf8)
    guard (1...70).contains(name.count), name.last != 0x20, name.allSatisfy({ (0x20...0x7E).contains($0) }) else {
        throw .invalidBoundary(length: name.count)
    }
    let delimiter = Array("\r\n--".utf8) + name
    var parser = MultipartParser(body: body, delimiter: delimiter, limits: limits)
    return try parser.parts()
}

private struct MultipartParser {
    let body: [UInt8]
    let delimiter: [UInt8]
    let limits: MultipartLimits
    private var position = 0

    init(body: [UInt8], delimiter: [UInt8], limits: MultipartLimits) {
        self.body = body
        self.delimiter = delimiter
        self.limits = limits
    }

    mutating func parts() throws(MultipartError) -> [MultipartPart] {
        // The first delimiter may be at the start of the body, without its line break.
        if body.starts(with: delimiter.dropFirst(2)) {
            position = delimiter.count - 2
        } else {
            guard let start = find(from: 0) else { throw .noParts }
            position = start + delimiter.count
        }
        var parts: [MultipartPart] = []
        while try !isLastBoundary() {
            guard parts.count < limits.parts else { throw .tooManyParts(limit: limits.parts, offset: position) }
            var part = try header()
            let start = position
            // The blank line may itself be the line break before the next delimiter: an empty part.
            guard let end = find(from: start >= 2 ? start - 2 : start) else { throw .missingEnd(offset: body.count) }
            part.body = start..<max(start, end)
            position = end + delimiter.count
            parts.append(part)
        }
        if parts.isEmpty { throw .noParts }
        return parts
    }

    /// What follows a delimiter: `--` ends the form; else white space and a line break.
    private mutating func isLastBoundary() throws(MultipartError) -> Bool {
        let start = position
        if body[position...].starts(with: Array("--".utf8)) { return true }
        while position < body.count, HTTPByte.isSpace(body[position]) { position += 1 }
        guard body[position...].starts(with: [HTTPByte.cr, HTTPByte.lf]) else {
            throw position >= body.count ? .missingEnd(offset: start) : .malformedBoundaryLine(offset: start)
        }
        position += 2
        return false
    }

    private mutating func header() throws(MultipartError) -> MultipartPart {
        let start = position
        var part = MultipartPart(body: 0..<0)
        var hasDisposition = false
        while true {
            guard let end = lineEnd() else {
                throw body.count - start > limits.partHeaderBytes
                    ? .partHeaderTooLong(limit: limits.partHeaderBytes, offset: start) : .missingEnd(offset: body.count)
            }
            guard end - start <= limits.partHeaderBytes else {
                throw .partHeaderTooLong(limit: limits.partHeaderBytes, offset: start)
            }
            let line = position..<end
            position = end + 2
            if line.isEmpty {
                guard hasDisposition else { throw .missingDisposition(offset: start) }
                return part
            }
            if try read(line, into: &part) {
                guard !hasDisposition else { throw .repeatedDisposition(offset: line.lowerBound) }
                hasDisposition = true
            }
        }
    }

    private func lineEnd() -> Int? {
        let limit = min(body.count, position + limits.partHeaderBytes + 2)
        var index = position
        while index + 1 < limit {
            if body[index] == HTTPByte.cr, body[index + 1] == HTTPByte.lf { return index }
            index += 1
        }
        return nil
    }

    /// - Returns: whether the line is the disposition.
    private func read(_ line: Range<Int>, into part: inout MultipartPart) throws(MultipartError) -> Bool {
        let field = body[line].withUnsafeBytes { bytes in
            (try? HTTP1FieldLine(bytes)).map { (name: $0.nameText.lowercased(), value: $0.valueText) }
        }
        guard let (name, value) = field else { throw .malformedPartHeader(offset: line.lowerBound) }
        switch name {
        case "content-type": part.contentType = value
        case "content-disposition":
            // `form-data; name=...` has the grammar of a media type's parameters, so a type is put in front.
            let sections = value.split(separator: ";", maxSplits: 1)
            guard sections.first?.lowercased() == "form-data",
                let disposition = MediaType(parsing: "form/data" + value.dropFirst(9))
            else { throw .malformedPartHeader(offset: line.lowerBound) }
            part.name = disposition.parameter("name")
            part.filename = disposition.parameter("filename")
            return true
        default: break
        }
        return false
    }

    /// Where the next delimiter begins.
    private func find(from start: Int) -> Int? {
        body.withUnsafeBufferPointer { body in
            var index = start
            let last = body.count - delimiter.count
            while index <= last {
                if body[index] == HTTPByte.cr, delimiter.indices.allSatisfy({ body[index + $0] == delimiter[$0] }) {
                    return index
                }
                index += 1
            }
            return nil
        }
    }
}
