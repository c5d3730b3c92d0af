// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2

/// Reads header blocks as a client of the connection would.
package final class PeerInflater {
    package struct Failure: Error {
        package let code: Int
    }

    private var inflater: OpaquePointer?

    package init() { nghttp2_hd_inflate_new(&inflater) }

    deinit { nghttp2_hd_inflate_del(inflater) }

    /// - Throws: `Failure` when the block is not HPACK.
    package func fields(_ block: [UInt8]) throws -> [String: String] {
        var fields: [String: String] = [:]
        var rest = block[...]
        while true {
            var field = nghttp2_nv()
            var flags: Int32 = 0
            let count = rest.withUnsafeBufferPointer {
                nghttp2_hd_inflate_hd2(inflater, &field, &flags, $0.baseAddress, $0.count, 1)
            }
            if count < 0 { throw Failure(code: count) }
            rest = rest.dropFirst(count)
            if flags & Int32(NGHTTP2_HD_INFLATE_EMIT.rawValue) != 0 {
                fields[text(field.name, field.namelen)] = text(field.value, field.valuelen)
            }
            if flags & Int32(NGHTTP2_HD_INFLATE_FINAL.rawValue) != 0 { break }
        }
        nghttp2_hd_inflate_end_headers(inflater)
        return fields
    }

    private func text(_ start: UnsafeMutablePointer<UInt8>?, _ count: Int) -> String {
        String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }
}
