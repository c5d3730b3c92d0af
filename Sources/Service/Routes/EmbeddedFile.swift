// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import HTTPTypes
import HTTPWire

/// A file of the binary that browsers may store: its bytes, and its headers with an entity tag.
struct EmbeddedFile: Sendable {
    let body: [UInt8]
    let fields: HTTPFields
    private let tag: String

    /// - Parameters:
    ///   - body: the file's bytes.
    ///   - type: the media type.
    ///   - caching: the value of `Cache-Control`.
    ///   - fields: further headers.
    init(_ body: [UInt8], type: String, caching: String, fields: HTTPFields = [:]) {
        self.body = body
        tag = "\"\(Data(SHA256.hash(data: body)).base64EncodedString())\""
        var fields = fields
        fields[.contentType] = type
        fields[.cacheControl] = caching
        fields[.eTag] = tag
        self.fields = fields
    }

    /// - Returns: the file, or 304 where `If-None-Match` names the version that the client has (RFC 9110 13.1.2).
    func response(to head: HTTPRequestHead) -> Response {
        guard isKnown(to: head) else { return Response(status: 200, fields: fields, body: body) }
        var fields = fields
        fields[.contentType] = nil
        return Response(status: 304, fields: fields)
    }

    /// Weak comparison (RFC 9110 8.8.3.2); no tag of ours has a comma.
    private func isKnown(to head: HTTPRequestHead) -> Bool {
        guard let known = head.fields[.ifNoneMatch] else { return false }
        return known.split(separator: ",").contains { entry in
            let entry = entry.trimmingCharacters(in: .whitespaces)
            return entry == "*" || entry == tag || entry == "W/" + tag
        }
    }
}
