// SPDX-License-Identifier: Apache-2.0

/// The known methods, whether or not a resource supports them; case-sensitive (RFC 9110 9.1).
enum HTTPMethods {
    private static let known: Set<String> = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"]

    /// - Throws: `.connectMethod`, `.unknownMethod`.
    static func check(_ method: String) throws(HTTPRefusal) {
        // RFC 9112 3.2.3: only CONNECT uses the authority form, and this is not a proxy.
        if method == "CONNECT" { throw .connectMethod }
        guard known.contains(method) else { throw .unknownMethod }
    }
}
