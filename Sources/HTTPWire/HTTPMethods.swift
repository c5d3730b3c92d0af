// SPDX-License-Identifier: Apache-2.0

/// The methods that are known here, whether or not a resource has them; case-sensitive (RFC 9110 9.1).
enum HTTPMethods {
    private static let known: Set<String> = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"]

    /// - Throws: `.connectMethod`, `.unknownMethod`.
    static func check(_ method: String) throws(HTTPRefusal) {
        // RFC 9112 3.2.3: the authority form belongs to CONNECT alone, and this is no proxy.
        if method == "CONNECT" { throw .connectMethod }
        guard known.contains(method) else { throw .unknownMethod }
    }
}
