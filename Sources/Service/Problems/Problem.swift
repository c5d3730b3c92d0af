// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import HTTPWire

/// One failure as the client sees it: RFC 9457 `application/problem+json`.
package struct Problem: Error, Sendable {
    package var kind: ProblemKind
    /// Tells this client what to change.
    package var detail: String
    /// Extension members: the numbers of `detail`.
    package var members: [(String, JSONValue)]
    /// Headers that the status requires (`Allow`, `Retry-After`, `WWW-Authenticate`).
    package var fields: HTTPFields = [:]
    package var closesConnection = false

    package init(_ kind: ProblemKind, _ detail: String, _ members: [(String, JSONValue)] = []) {
        self.kind = kind
        self.detail = detail
        self.members = members
    }

    /// Adds `Retry-After` (whole seconds) and the member of the same meaning.
    package func retrying(afterSeconds seconds: Int) -> Problem {
        var problem = self
        problem.fields[.retryAfter] = String(seconds)
        problem.members.append(("retry_after", .integer(seconds)))
        return problem
    }

    /// Names the item that failed.
    package func forItem(_ id: String) -> Problem {
        var problem = self
        if !problem.members.contains(where: { $0.0 == "item" }) { problem.members.append(("item", .string(id))) }
        return problem
    }

    /// The document; `requestID` is nil inside a response that carries it already.
    package func json(requestID: String?) -> JSONValue {
        var object: [(String, JSONValue)] = [
            ("type", .string(kind.uri)),
            ("title", .string(kind.title)),
            ("status", .integer(kind.status)),
            ("detail", .string(detail)),
        ]
        object += members
        if let requestID { object.append(("request_id", .string(requestID))) }
        return .object(object)
    }

    /// The whole response.
    package func response(requestID: String) -> Response {
        var fields = fields
        fields[.contentType] = "application/problem+json"
        fields[.cacheControl] = "no-store"
        return Response(
            status: kind.status,
            fields: fields,
            body: json(requestID: requestID).text,
            closeConnection: closesConnection
        )
    }
}

/// An error that becomes a problem.
///
/// The error enum of each target conforms once, in this folder, without `default:`, so that a new case needs a problem.
package protocol ProblemConvertible: Error {
    var problem: Problem { get }
}
