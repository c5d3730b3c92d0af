// SPDX-License-Identifier: Apache-2.0

/// A parsed HTTP/1.x request head: the request, and what its headers say about the connection.
package struct HTTP1Head: Sendable {
    package var request: HTTPRequestHead
    /// Whether the connection may be reused after the response.
    package let keepsAlive: Bool
    package let expectsContinue: Bool
    /// The payload of the client's HTTP/2 SETTINGS if it offers to go on in `h2c` (RFC 7540 3.2).
    package let http2Settings: [UInt8]?
}
