// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// Collects the fields of a header or trailer section, and makes the request's head from them.
///
/// libnghttp2 checks much of this too; what the service relies on is checked here, whatever the library's version.
struct HTTP2FieldSection {
    enum Fault: Error {
        /// Well-formed, but refused by the protocol layer.
        case refused(HTTPRefusal)
        /// RFC 9113 8.1.1: a stream error.
        case malformed
    }

    private enum Pseudo: Int {
        case method, scheme, authority, path
    }

    private let limits: HTTP2Limits
    private let isTrailer: Bool
    /// As RFC 9113 6.5.2 counts it, in bytes.
    private(set) var listSize = 0
    /// The first that was found.
    private(set) var fault: Fault?
    private var pseudo: [String?] = [nil, nil, nil, nil]
    private var fields = HTTPFields()
    private var count = 0
    private var cookies: [String] = []
    private var host: String?
    private var contentLength: Int?
    private var expectations: [String] = []

    private static let overhead = 32
    private static let hostName = HTTPField.Name("Host")

    init(limits: HTTP2Limits, isTrailer: Bool) {
        self.limits = limits
        self.isTrailer = isTrailer
    }

    var isHeadRequest: Bool { pseudo[Pseudo.method.rawValue] == "HEAD" }

    mutating func add(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        listSize += name.count + value.count + Self.overhead
        // The response to a refused request depends on further headers; a malformed one gets none.
        if case .malformed = fault { return }
        do throws(Fault) {
            try check(name, value)
        } catch {
            fault = fault ?? error
        }
    }

    /// What is known of a refused head.
    var partialHead: HTTPRequestHead {
        HTTPRequestHead(
            refusedMethod: pseudo[Pseudo.method.rawValue] ?? "",
            target: pseudo[Pseudo.path.rawValue] ?? "",
            version: .http2,
            fields: fields
        )
    }

    private mutating func check(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(Fault) {
        guard listSize <= limits.headerList else { throw .refused(.headTooLarge(limit: limits.headerList)) }
        // RFC 9113 8.2.1, and no other control bytes either, as in HTTP/1.1.
        guard value.allSatisfy(HTTPByte.isFieldContent), !(value.first.map(HTTPByte.isSpace) ?? false),
            !(value.last.map(HTTPByte.isSpace) ?? false)
        else { throw .malformed }
        if name.first == HTTPByte.colon {
            try addPseudo(String(decoding: name, as: UTF8.self), value)
        } else {
            try addRegular(name, value)
        }
    }

    /// RFC 9113 8.3: before all other fields, once each, none in trailers, no unknown ones.
    private mutating func addPseudo(_ name: String, _ value: UnsafeRawBufferPointer) throws(Fault) {
        let known: Pseudo? =
            switch name {
            case ":method": .method
            case ":scheme": .scheme
            case ":authority": .authority
            case ":path": .path
            default: nil
            }
        guard let known, !isTrailer, count == 0, pseudo[known.rawValue] == nil else { throw .malformed }
        if value.count > limits.field {
            // For the log.
            pseudo[known.rawValue] = String(decoding: value.prefix(256), as: UTF8.self)
            throw .refused(known == .path ? .targetTooLong(limit: limits.field) : .headTooLarge(limit: limits.field))
        }
        pseudo[known.rawValue] = String(decoding: value, as: UTF8.self)
    }

    private mutating func addRegular(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(Fault) {
        count += 1
        if count > limits.fields { throw .refused(.tooManyFields(limit: limits.fields)) }
        if name.count + value.count > limits.field { throw .refused(.headTooLarge(limit: limits.field)) }
        // RFC 9113 8.2: upper-case letters make a request malformed.
        guard !name.isEmpty, name.allSatisfy({ HTTPByte.isToken($0) && !(0x41...0x5A).contains($0) }) else {
            throw .malformed
        }
        let (text, valueText) = (String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
        switch text {
        // RFC 9113 8.2.2.
        case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade": throw .malformed
        case "te":
            guard HTTPByte.matches(value, lowerCase: "trailers") else { throw .malformed }
        case "host":
            guard host == nil else { throw .malformed }
            host = valueText
        case "content-length":
            guard contentLength == nil, !value.isEmpty, value.allSatisfy(HTTPByte.isDigit), let length = Int(valueText)
            else { throw .malformed }
            contentLength = length
        case "expect": expectations.append(valueText)
        // RFC 9113 8.2.3: the pieces of a cookie are joined.
        case "cookie": return cookies.append(valueText)
        default: break
        }
        // Trailers are checked and dropped (RFC 9110 6.5.1).
        if isTrailer { return }
        guard let fieldName = HTTPField.Name(text) else { throw .malformed }
        fields.append(HTTPField(name: fieldName, value: valueText))
    }

    /// The head made from the complete section.
    ///
    /// - Throws: `Fault`.
    func head(endsStream: Bool) throws(Fault) -> HTTP2Head {
        if let fault { throw fault }
        guard let method = pseudo[Pseudo.method.rawValue], !method.isEmpty, method.utf8.allSatisfy(HTTPByte.isToken),
            let authority = checkedAuthority()
        else { throw .malformed }
        let (scheme, path) = (pseudo[Pseudo.scheme.rawValue], pseudo[Pseudo.path.rawValue])
        if method == "CONNECT" {
            // RFC 9113 8.5.
            throw scheme == nil && path == nil ? .refused(.connectMethod) : .malformed
        }
        guard let scheme, !scheme.isEmpty, let path, path.hasPrefix("/") || (path == "*" && method == "OPTIONS"),
            path.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { throw .malformed }
        do throws(HTTPRefusal) {
            guard ["http", "https"].contains(scheme.lowercased()) else { throw .malformedTarget }
            return try head(method: method, path: path, authority: authority, endsStream: endsStream)
        } catch {
            throw .refused(error)
        }
    }

    /// The requested host; nil: none, an invalid one, or two that differ (RFC 9113 8.3.1).
    private func checkedAuthority() -> String? {
        let authority = pseudo[Pseudo.authority.rawValue]
        guard let chosen = authority ?? host, !chosen.isEmpty, RequestTarget.isHost(chosen) else { return nil }
        if let host, withoutDefaultPort(host) != withoutDefaultPort(chosen) { return nil }
        return chosen
    }

    private func withoutDefaultPort(_ host: String) -> Substring {
        let port = pseudo[Pseudo.scheme.rawValue] == "https" ? ":443" : ":80"
        let lowerCase = host.lowercased()
        return lowerCase.hasSuffix(port) ? lowerCase.dropLast(port.count) : lowerCase[...]
    }

    private func head(
        method: String,
        path: String,
        authority: String,
        endsStream: Bool
    ) throws(HTTPRefusal) -> HTTP2Head {
        try HTTPMethods.check(method)
        let target = try RequestTarget(path, method: method)
        guard expectations.allSatisfy({ HTTPByte.matches($0.utf8, lowerCase: "100-continue") }),
            expectations.count <= 1
        else { throw .expectationFailed }
        var fields = fields
        if !cookies.isEmpty { fields[.cookie] = cookies.joined(separator: "; ") }
        if let name = Self.hostName { fields[name] = authority }
        let request = HTTPRequestHead(
            method: HTTPRequest.Method(rawValue: method) ?? .get,
            rawTarget: path,
            path: target.path,
            query: target.query,
            version: .http2,
            fields: fields,
            contentLength: contentLength,
            isChunked: !endsStream && contentLength == nil
        )
        return HTTP2Head(request: request, expectsContinue: !expectations.isEmpty)
    }
}
