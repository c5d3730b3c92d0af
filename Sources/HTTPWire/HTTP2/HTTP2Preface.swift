// SPDX-License-Identifier: Apache-2.0

/// The first bytes of a client with prior knowledge of HTTP/2 (RFC 9113 3.4).
package enum HTTP2Preface {
    static let bytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    /// The part that looks like a whole HTTP/1 request; a client that sends it intends HTTP/2.
    private static let decisive = bytes.prefix(18)

    package enum Match {
        case differs
        /// So far the same.
        case needsMore
        case isHTTP2
    }

    /// Compares a connection's first bytes.
    package static func match(_ bytes: [UInt8]) -> Match {
        guard bytes.prefix(decisive.count).elementsEqual(decisive.prefix(bytes.count)) else { return .differs }
        return bytes.count < decisive.count ? .needsMore : .isHTTP2
    }
}
