// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// Answers as HTTP/1.1 octets.
package enum HTTP1Serializer {
    /// `HTTP/1.1 `, with which every answer begins.
    package static let prefix = Array("HTTP/1.1 ".utf8)

    package static let continueLine = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    /// Status line and fields up to and including the empty line.
    ///
    /// - Parameters:
    ///   - response: the answer; its body's length becomes `Content-Length`.
    ///   - date: an IMF-fixdate (RFC 9110 5.6.7).
    ///   - connection: the `Connection` field; nil: none.
    /// - Returns: the octets.
    package static func head(_ response: Response, date: String, connection: String?) -> [UInt8] {
        var octets: [UInt8] = []
        octets.reserveCapacity(512)
        octets += prefix
        octets += Array("\(response.status) \(reason(response.status))\r\n".utf8)
        for field in response.fields { append(field.name.rawName, field.value, to: &octets) }
        append("Date", date, to: &octets)
        append("Content-Length", String(response.body.count), to: &octets)
        if let connection { append("Connection", connection, to: &octets) }
        octets.append(HTTPOctet.cr)
        octets.append(HTTPOctet.lf)
        return octets
    }

    /// Field values are checked by `HTTPFields` when they are set: CR, LF and NUL cannot be in them.
    private static func append(_ name: String, _ value: String, to octets: inout [UInt8]) {
        octets.append(contentsOf: name.utf8)
        octets.append(HTTPOctet.colon)
        octets.append(0x20)
        octets.append(contentsOf: value.utf8)
        octets.append(HTTPOctet.cr)
        octets.append(HTTPOctet.lf)
    }

    /// The registered phrases of the statuses that are sent (RFC 9110 15); clients ignore them, people read them.
    private static let reasons = [
        200: "OK", 204: "No Content", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found",
        405: "Method Not Allowed", 406: "Not Acceptable", 408: "Request Timeout", 411: "Length Required",
        413: "Content Too Large", 414: "URI Too Long", 415: "Unsupported Media Type", 417: "Expectation Failed",
        422: "Unprocessable Content", 429: "Too Many Requests", 431: "Request Header Fields Too Large",
        500: "Internal Server Error", 501: "Not Implemented", 503: "Service Unavailable", 504: "Gateway Timeout",
        505: "HTTP Version Not Supported",
    ]

    private static func reason(_ status: Int) -> String { reasons[status] ?? "" }
}
