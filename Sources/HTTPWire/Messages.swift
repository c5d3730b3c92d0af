// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes

package enum HTTPVersion: String, Sendable {
    case http10 = "HTTP/1.0"
    case http11 = "HTTP/1.1"
    case http2 = "HTTP/2"
}

/// A request's head with its target parsed and decoded once.
package struct HTTPRequestHead: Sendable {
    package var method: HTTPRequest.Method
    /// As sent, for logs.
    package var rawTarget: String
    /// Percent-decoded; what routes are matched on.
    package var path: String
    /// Percent-decoded, in order.
    package var query: [(name: String, value: String)]
    package var version: HTTPVersion
    package var fields: HTTPFields
    /// nil: no body, or one of unknown length (``isChunked``).
    package var contentLength: Int?
    package var isChunked: Bool
    /// The connection is beyond the server's limit; only probes should be served on it.
    package var isOverLimit = false

    package var hasBody: Bool { isChunked || (contentLength ?? 0) > 0 }

    package init(
        method: HTTPRequest.Method,
        rawTarget: String,
        path: String,
        query: [(name: String, value: String)] = [],
        version: HTTPVersion = .http11,
        fields: HTTPFields = [:],
        contentLength: Int? = nil,
        isChunked: Bool = false
    ) {
        self.method = method
        self.rawTarget = rawTarget
        self.path = path
        self.query = query
        self.version = version
        self.fields = fields
        self.contentLength = contentLength
        self.isChunked = isChunked
    }
}

/// A whole request.
package struct Request: Sendable {
    package var head: HTTPRequestHead
    package var body: [UInt8]
    /// When its head was complete, and its body.
    package var headAt: ContinuousClock.Instant
    package var bodyAt: ContinuousClock.Instant

    package init(
        head: HTTPRequestHead,
        body: [UInt8],
        headAt: ContinuousClock.Instant,
        bodyAt: ContinuousClock.Instant
    ) {
        self.head = head
        self.body = body
        self.headAt = headAt
        self.bodyAt = bodyAt
    }
}

/// A response.
///
/// The server adds `Date`, `Content-Length` and, where it matters, `Connection`.
package struct Response: Sendable {
    package var status: Int
    package var fields: HTTPFields
    package var body: [UInt8]
    package var closeConnection: Bool

    package init(status: Int, fields: HTTPFields = [:], body: [UInt8] = [], closeConnection: Bool = false) {
        self.status = status
        self.fields = fields
        self.body = body
        self.closeConnection = closeConnection
    }
}

extension Response {
    /// RFC 9110 6.4.1, 15.3.5, 15.4.5: some responses never have content.
    package var mayHaveContent: Bool { status >= 200 && status != 204 && status != 304 }

    /// Headers that only the connection may write; those of a handler could contradict them.
    static func isFraming(_ name: HTTPField.Name) -> Bool {
        let text = name.canonicalName
        // Most names differ in length, which is cheap to compare.
        guard [4, 7, 10, 14, 16, 17].contains(text.utf8.count) else { return false }
        return switch text {
        case "connection", "content-length", "date", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
            true
        default: false
        }
    }
}
