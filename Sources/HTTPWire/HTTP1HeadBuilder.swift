// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// Builds an ``HTTP1Head`` line by line.
struct HTTP1HeadBuilder {
    private let method: String
    private let target: String
    private let version: HTTPVersion
    private var fields = HTTPFields()
    private var count = 0
    private var framing = HTTP1Framing()

    /// - Parameter line: without its CRLF.
    /// - Throws: `HTTPRefusal`.
    init(requestLine line: UnsafeRawBufferPointer) throws(HTTPRefusal) {
        let parts = line.split(separator: 0x20, maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, !parts[1].isEmpty, parts[0].allSatisfy(HTTPByte.isToken) else {
            throw .malformedRequestLine
        }
        version = try Self.version(UnsafeRawBufferPointer(rebasing: parts[2]))
        method = String(decoding: parts[0], as: UTF8.self)
        try HTTPMethods.check(method)
        target = String(decoding: parts[1], as: UTF8.self)
    }

    /// - Parameters:
    ///   - line: a field line without its CRLF.
    ///   - limit: how many fields there may be.
    /// - Throws: `HTTPRefusal`.
    mutating func add(_ line: UnsafeRawBufferPointer, limit: Int) throws(HTTPRefusal) {
        count += 1
        if count > limit { throw .tooManyFields(limit: limit) }
        let field = try HTTP1FieldLine(line)
        try framing.read(field)
        guard let name = HTTPField.Name(field.nameText) else { throw .malformedField }
        fields.append(HTTPField(name: name, value: field.valueText))
    }

    mutating func finish() throws(HTTPRefusal) -> HTTP1Head {
        try framing.check(version)
        let parsed = try RequestTarget(target, method: method)
        var request = HTTPRequestHead(
            method: HTTPRequest.Method(rawValue: method) ?? .get,
            rawTarget: target,
            path: parsed.path,
            query: parsed.query,
            version: version,
            fields: fields,
            contentLength: framing.contentLength,
            isChunked: framing.isChunked
        )
        // RFC 9112 3.2.2: an absolute target's authority replaces Host.
        if let authority = parsed.authority, let host = HTTPField.Name("Host") { request.fields[host] = authority }
        let isHTTP11 = version != .http10
        return HTTP1Head(
            request: request,
            keepsAlive: !framing.saysClose && (isHTTP11 || framing.saysKeepAlive),
            expectsContinue: framing.expectsContinue,
            http2Settings: isHTTP11 ? framing.http2Settings : nil
        )
    }

    /// The head so far, which is or may be invalid.
    var partialHead: HTTPRequestHead {
        HTTPRequestHead(refusedMethod: method, target: target, version: version, fields: fields)
    }

    /// RFC 9110 2.5: a higher minor version is handled as 1.1; other major versions are not supported.
    private static func version(_ bytes: UnsafeRawBufferPointer) throws(HTTPRefusal) -> HTTPVersion {
        guard bytes.count == 8, bytes.starts(with: "HTTP/".utf8), HTTPByte.isDigit(bytes[5]),
            bytes[6] == UInt8(ascii: "."), HTTPByte.isDigit(bytes[7])
        else { throw .malformedVersion }
        guard bytes[5] == UInt8(ascii: "1") else { throw .unsupportedVersion }
        return bytes[7] == UInt8(ascii: "0") ? .http10 : .http11
    }
}
