// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// A parsed HTTP/1.x request head: the request, and what its fields say of the connection.
package struct HTTP1Head: Sendable {
    package let request: HTTPRequestHead
    /// Whether the connection may be used again after the answer.
    package let keepsAlive: Bool
    package let expectsContinue: Bool
    /// The `Upgrade` field offers `h2c` with exactly one `HTTP2-Settings`; its value.
    package let http2Settings: String?

    private static let methods: Set<String> = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH",
    ]

    /// Parses a head.
    ///
    /// - Parameters:
    ///   - head: request line and fields, with the empty line; every line ends with CRLF (checked before).
    ///   - limits: of the number of fields.
    /// - Throws: `HTTPRefusal`, one case a rule.
    init(_ head: UnsafeRawBufferPointer, limits: HTTP1Limits) throws(HTTPRefusal) {
        var lines = LineReader(head)
        guard let first = lines.next() else { throw .malformedRequestLine }
        let (method, target, version) = try Self.requestLine(first)
        var fields = HTTPFields()
        var framing = Framing()
        var count = 0
        while let line = lines.next(), !line.isEmpty {
            count += 1
            if count > limits.fields { throw .tooManyFields(limit: limits.fields) }
            let field = try HTTP1FieldLine(line)
            guard let name = HTTPField.Name(field.name) else { throw .malformedField }
            try framing.read(name, field.value)
            fields.append(HTTPField(name: name, value: field.value))
        }
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
        self.request = request
        switch version {
        case .http10: keepsAlive = framing.connection.contains("keep-alive") && !framing.connection.contains("close")
        case .http11, .http2: keepsAlive = !framing.connection.contains("close")
        }
        expectsContinue = framing.expectsContinue && version != .http10
        let offersHTTP2 =
            version == .http11 && framing.upgrade.contains("h2c") && framing.settings.count == 1
            && framing.connection.contains("upgrade") && framing.connection.contains("http2-settings")
        http2Settings = offersHTTP2 ? framing.settings[0] : nil
    }

    /// - Returns: method, target, version.
    private static func requestLine(
        _ line: UnsafeRawBufferPointer
    ) throws(HTTPRefusal) -> (String, String, HTTPVersion) {
        let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, !parts[1].isEmpty, parts[0].allSatisfy(HTTPOctet.isToken) else {
            throw .malformedRequestLine
        }
        let version = try version(UnsafeRawBufferPointer(rebasing: parts[2]))
        let method = String(decoding: parts[0], as: UTF8.self)
        if method == "CONNECT" { throw .connectMethod }
        guard methods.contains(method) else { throw .unknownMethod }
        return (method, String(decoding: parts[1], as: UTF8.self), version)
    }

    /// RFC 9110 2.5: a higher minor version is handled as 1.1; another major version is not ours.
    private static func version(_ octets: UnsafeRawBufferPointer) throws(HTTPRefusal) -> HTTPVersion {
        guard octets.count == 8, octets.starts(with: "HTTP/".utf8), HTTPOctet.isDigit(octets[5]),
            octets[6] == UInt8(ascii: "."), HTTPOctet.isDigit(octets[7])
        else { throw .malformedVersion }
        guard octets[5] == UInt8(ascii: "1") else { throw .unsupportedVersion }
        return octets[7] == UInt8(ascii: "0") ? .http10 : .http11
    }
}

/// Lines of a buffer in which every LF follows a CR.
private struct LineReader {
    private let octets: UnsafeRawBufferPointer
    private var position = 0

    init(_ octets: UnsafeRawBufferPointer) {
        self.octets = octets
    }

    mutating func next() -> UnsafeRawBufferPointer? {
        guard position < octets.count, let end = octets[position...].firstIndex(of: HTTPOctet.lf) else { return nil }
        defer { position = end + 1 }
        return UnsafeRawBufferPointer(rebasing: octets[position..<end - 1])
    }
}

/// What the fields say of the message's length and the connection.
private struct Framing {
    var contentLength: Int?
    var isChunked = false
    var hosts: [String] = []
    var connection: Set<String> = []
    var upgrade: Set<String> = []
    var settings: [String] = []
    var expectsContinue = false
    private var transferEncodings: [String] = []
    private var expectations: [String] = []

    mutating func read(_ name: HTTPField.Name, _ value: String) throws(HTTPRefusal) {
        switch name.canonicalName {
        case "content-length":
            guard contentLength == nil else { throw .duplicateContentLength }
            // RFC 9112 6.3: 1*DIGIT, which `Int` alone would not insist on.
            guard !value.isEmpty, value.utf8.allSatisfy(HTTPOctet.isDigit), let length = Int(value) else {
                throw .malformedContentLength
            }
            contentLength = length
        case "transfer-encoding": transferEncodings.append(value)
        case "host": hosts.append(value)
        case "connection": connection.formUnion(Self.tokens(value))
        case "upgrade": upgrade.formUnion(Self.tokens(value))
        case "http2-settings": settings.append(value)
        case "expect": expectations.append(value)
        default: break
        }
    }

    mutating func check(_ version: HTTPVersion) throws(HTTPRefusal) {
        if !transferEncodings.isEmpty {
            if version == .http10 { throw .transferEncodingInHTTP10 }
            if contentLength != nil { throw .contentLengthWithTransferEncoding }
            try checkTransferEncoding()
            isChunked = true
        }
        if hosts.count > 1 { throw .duplicateHost }
        if hosts.isEmpty, version != .http10 { throw .missingHost }
        if let host = hosts.first, !RequestTarget.isHost(host) { throw .invalidHost }
        if version != .http10, !expectations.isEmpty {
            guard expectations.count == 1, expectations[0].lowercased() == "100-continue" else {
                throw .expectationFailed
            }
            expectsContinue = true
        }
    }

    /// Only exactly `chunked`, once, is taken.
    ///
    /// A list that does not end in it has no length (400); one that does but holds another coding is one that we do not
    /// implement (501).
    private func checkTransferEncoding() throws(HTTPRefusal) {
        if transferEncodings.count == 1, transferEncodings[0].lowercased() == "chunked" { return }
        let codings = transferEncodings.joined(separator: ",").split(separator: ",", omittingEmptySubsequences: false)
            .map { coding in
                String(decoding: coding.utf8.filter { !HTTPOctet.isSpace($0) }, as: UTF8.self).lowercased()
            }
        guard codings.last == "chunked", codings.dropLast().allSatisfy({ !$0.isEmpty && $0 != "chunked" }),
            codings.allSatisfy({ $0.utf8.prefix { $0 != UInt8(ascii: ";") }.allSatisfy(HTTPOctet.isToken) })
        else { throw .malformedTransferEncoding }
        throw .unknownTransferCoding
    }

    private static func tokens(_ value: String) -> [String] {
        value.split(separator: ",").map { element in
            String(decoding: element.utf8.filter { !HTTPOctet.isSpace($0) }, as: UTF8.self).lowercased()
        }
    }
}
