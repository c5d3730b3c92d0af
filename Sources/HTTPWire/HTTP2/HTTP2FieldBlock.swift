// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2
import HTTPTypes

/// A response's headers in the library's form: pointers into one buffer.
struct HTTP2FieldBlock {
    private var bytes: [UInt8] = []
    /// Lengths of each name and value; they are stored in sequence.
    private var lengths: [(name: Int, value: Int)] = []

    /// Names are lower-case already: `canonicalName` is (RFC 9113 8.2).
    init(_ response: Response, date: String) {
        append(":status", String(response.status))
        for field in response.fields where !Response.isFraming(field.name) {
            append(field.name.canonicalName, field.value)
        }
        append("date", date)
        // RFC 9110 8.6: not in a response that cannot have content.
        if response.mayHaveContent { append("content-length", String(response.body.count)) }
    }

    init(informational status: Int) {
        append(":status", String(status))
    }

    private mutating func append(_ name: String, _ value: String) {
        bytes.append(contentsOf: name.utf8)
        bytes.append(contentsOf: value.utf8)
        lengths.append((name.utf8.count, value.utf8.count))
    }

    /// Calls `body` with the fields, which are valid for that long; the library copies them.
    mutating func withFields<Result>(_ body: (UnsafeBufferPointer<nghttp2_nv>) -> Result) -> Result {
        let lengths = lengths
        return bytes.withUnsafeMutableBufferPointer { bytes in
            var position = 0
            var fields: [nghttp2_nv] = []
            for (name, value) in lengths {
                let start = bytes.baseAddress.map { $0 + position }
                fields.append(
                    nghttp2_nv(
                        name: start,
                        value: start.map { $0 + name },
                        namelen: name,
                        valuelen: value,
                        flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)
                    )
                )
                position += name + value
            }
            return fields.withUnsafeBufferPointer(body)
        }
    }
}
