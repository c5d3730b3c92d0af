// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A parsed request target (RFC 9112 3.2), percent-decoded once, after the query is split off.
package struct RequestTarget: Sendable {
    package let path: String
    package let query: [(name: String, value: String)]
    /// Of the absolute form.
    package let authority: String?

    /// Bytes that RFC 3986 does not allow in a target, and that proxies treat differently.
    ///
    /// Those that browsers send unescaped in a query are allowed there.
    private static let forbidden = ByteSet("\"<>#")
    private static let forbiddenInPath = ByteSet("\\^`{|}")

    /// - Throws: `HTTPRefusal.malformedTarget`.
    package init(_ target: String, method: String) throws(HTTPRefusal) {
        guard target.utf8.allSatisfy({ (0x21...0x7E).contains($0) && !Self.forbidden.contains($0) }) else {
            throw .malformedTarget
        }
        if target == "*" {
            guard method == "OPTIONS" else { throw .malformedTarget }
            (path, query, authority) = ("*", [], nil)
            return
        }
        var rest = Substring(target)
        if rest.utf8.first == UInt8(ascii: "/") {
            authority = nil
        } else {
            guard let scheme = ["http://", "https://"].first(where: rest.lowercased().hasPrefix) else {
                throw .malformedTarget
            }
            rest = rest.dropFirst(scheme.count)
            let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
            let host = String(rest[..<end])
            guard !host.isEmpty, Self.isHost(host) else { throw .malformedTarget }
            authority = host
            rest = rest[end...]
        }
        let mark = rest.utf8.firstIndex(of: UInt8(ascii: "?")) ?? rest.endIndex
        let rawPath = rest[..<mark]
        guard !rawPath.utf8.contains(where: Self.forbiddenInPath.contains),
            let decoded = Self.decoded(rawPath, plusIsSpace: false)
        else { throw .malformedTarget }
        path = decoded.isEmpty ? "/" : decoded
        query = mark == rest.endIndex ? [] : try Self.pairs(rest[rest.utf8.index(after: mark)...])
    }

    /// `name=value` pairs as HTML forms write them: `+` is a space.
    private static func pairs(_ query: Substring) throws(HTTPRefusal) -> [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        for pair in query.split(separator: "&") {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decoded(halves[0], plusIsSpace: true),
                let value = decoded(halves.count > 1 ? halves[1] : "", plusIsSpace: true)
            else { throw .malformedTarget }
            pairs.append((name, value))
        }
        return pairs
    }

    /// nil: a malformed escape, an encoded NUL, or bytes that are not UTF-8.
    private static func decoded(_ text: Substring, plusIsSpace: Bool) -> String? {
        let escapes = text.utf8.contains { $0 == UInt8(ascii: "%") || ($0 == UInt8(ascii: "+") && plusIsSpace) }
        if !escapes { return String(text) }
        var bytes: [UInt8] = []
        var iterator = text.utf8.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = iterator.next().flatMap(HTTPByte.hexadecimalValue),
                    let low = iterator.next().flatMap(HTTPByte.hexadecimalValue), high << 4 | low != 0
                else { return nil }
                bytes.append(UInt8(high << 4 | low))
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(0x20)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// `uri-host [":" port]` (RFC 3986 3.2.2); user information is refused.
    ///
    /// The empty text passes, as `Host` may be empty (RFC 9112 3.2); a port without a host does not (RFC 9110 4.2.1).
    static func isHost(_ value: String) -> Bool {
        var rest = Substring(value)
        if rest.utf8.first == UInt8(ascii: "[") {
            guard let end = rest.utf8.firstIndex(of: UInt8(ascii: "]")) else { return false }
            var address = in6_addr()
            guard inet_pton(AF_INET6, String(rest[..<end].dropFirst()), &address) == 1 else { return false }
            rest = rest[rest.utf8.index(after: end)...]
        } else {
            let end = rest.utf8.firstIndex(of: HTTPByte.colon) ?? rest.endIndex
            let name = rest[..<end]
            guard !name.isEmpty || rest.isEmpty, name.utf8.allSatisfy(isNameByte),
                decoded(name, plusIsSpace: false) != nil
            else { return false }
            rest = rest[end...]
        }
        if rest.isEmpty { return true }
        let port = rest.utf8.dropFirst()
        return rest.utf8.first == HTTPByte.colon && port.allSatisfy(HTTPByte.isDigit) && port.count <= 5
    }

    private static let nameOthers = ByteSet("-._~!$&'()*+,;=%")

    private static func isNameByte(_ byte: UInt8) -> Bool {
        HTTPByte.isDigit(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || nameOthers.contains(byte)
    }
}
