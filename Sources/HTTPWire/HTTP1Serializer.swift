// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// Serializes responses for HTTP/1.1.
package enum HTTP1Serializer {
    /// `HTTP/1.1 `, the start of every response.
    package static let prefix = Array("HTTP/1.1 ".utf8)

    package static let continueLine = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    /// After this the connection speaks HTTP/2 (RFC 7540 3.2).
    package static let switchingToHTTP2 = Array(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n".utf8
    )

    /// Status line and fields up to and including the empty line.
    ///
    /// - Parameters:
    ///   - response: its body's length becomes `Content-Length`.
    ///   - date: an IMF-fixdate (RFC 9110 5.6.7).
    ///   - connection: the `Connection` field; nil: none.
    /// - Returns: the bytes.
    package static func head(_ response: Response, date: String, connection: String?) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        bytes += prefix
        bytes += String(response.status).utf8
        bytes.append(0x20)
        bytes += reason(response.status).utf8
        bytes.append(HTTPByte.cr)
        bytes.append(HTTPByte.lf)
        for field in response.fields where !Response.isFraming(field.name) {
            append(field.name.rawName, field.value, to: &bytes)
        }
        append("Date", date, to: &bytes)
        // RFC 9110 8.6: not in a response that cannot have content.
        if response.mayHaveContent { append("Content-Length", String(response.body.count), to: &bytes) }
        if let connection { append("Connection", connection, to: &bytes) }
        bytes.append(HTTPByte.cr)
        bytes.append(HTTPByte.lf)
        return bytes
    }

    /// Field values are checked by `HTTPFields` when they are set: CR, LF and NUL cannot be in them.
    private static func append(_ name: String, _ value: String, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: name.utf8)
        bytes.append(HTTPByte.colon)
        bytes.append(0x20)
        bytes.append(contentsOf: value.utf8)
        bytes.append(HTTPByte.cr)
        bytes.append(HTTPByte.lf)
    }

    /// RFC 9110 15, RFC 6585; empty for others, as the RFC allows.
    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 411: "Length Required"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: ""
        }
    }
}
