// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// Reads the rest of a head whose request line is refused.
///
/// The response depends on some of its headers: the request's id, and the origin that may read the response. Lines are
/// read leniently, because nothing is done with them but that.
package struct HTTP1RefusedHead {
    private var remaining: Int
    private var line: [UInt8] = []
    private var requestLine: [UInt8]?
    private var fields = HTTPFields()

    /// Bytes of the request line that are kept, for logs.
    private static let keptBytes = 256

    /// - Parameter limits: `head` bounds the bytes that are read.
    package init(limits: HTTP1Limits) {
        remaining = limits.head
    }

    /// Takes input, which begins with the request line.
    ///
    /// - Returns: whether the head has ended, or is longer than a head may be.
    package mutating func read(_ input: some Collection<UInt8>) -> Bool {
        for byte in input.prefix(remaining) {
            remaining -= 1
            guard byte == HTTPByte.lf else {
                if requestLine != nil || line.count < Self.keptBytes { line.append(byte) }
                continue
            }
            if line.last == HTTPByte.cr { line.removeLast() }
            if requestLine == nil {
                if !line.isEmpty { requestLine = line }
            } else if line.isEmpty {
                return true
            } else {
                add(line)
            }
            line = []
        }
        return remaining == 0
    }

    private mutating func add(_ line: [UInt8]) {
        let field = line.withUnsafeBytes { bytes in
            (try? HTTP1FieldLine(bytes)).map { ($0.nameText, $0.valueText) }
        }
        guard let (nameText, value) = field, let name = HTTPField.Name(nameText) else { return }
        fields.append(HTTPField(name: name, value: value))
    }

    /// What is known of the head.
    package var head: HTTPRequestHead {
        let words = (requestLine ?? line).split(separator: 0x20, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        return HTTPRequestHead(
            refusedMethod: words.first ?? "",
            target: words.dropFirst().first ?? "",
            version: .http11,
            fields: fields
        )
    }
}

extension HTTPRequestHead {
    /// A head that is refused, as far as it is known; the path is for logs.
    init(refusedMethod method: String, target: String, version: HTTPVersion, fields: HTTPFields) {
        let parsed = try? RequestTarget(target, method: method)
        self.init(
            method: HTTPRequest.Method(rawValue: method) ?? HTTPRequest.Method(rawValue: "-") ?? .get,
            rawTarget: target,
            path: parsed?.path ?? String(target.prefix { $0 != "?" }),
            version: version,
            fields: fields
        )
    }
}
