// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HTTPWire
import Testing

/// What is known of a head that is refused.
@Suite struct HTTP1RefusedHeadTests {
    private static let text = Array("BREW /a%20b?c HTTP/1.1\r\nfrom: a@b\r\nno colon\r\nX:y\n\r\nrest: z\r\n".utf8)

    @Test func itsHeadersAreReadAtEverySplit() {
        for split in 0...Self.text.count {
            var refused = HTTP1RefusedHead(limits: HTTP1Limits())
            let isComplete = refused.read(Self.text[..<split]) || refused.read(Self.text[split...])
            #expect(isComplete)
            #expect(refused.head.method.rawValue == "BREW" && refused.head.path == "/a b")
            #expect(refused.head.fields.map(\.value) == ["a@b", "y"])
        }
    }

    @Test func itIsReadToTheLimitOfAHead() {
        var refused = HTTP1RefusedHead(limits: HTTP1Limits())
        let limit = HTTP1Limits().head
        let reads = [refused.read([UInt8](repeating: 0x61, count: limit - 1)), refused.read([0x61])]
        #expect(reads == [false, true])
        #expect(refused.head.path.isEmpty && refused.head.method.rawValue.count == 256)
        var empty = HTTP1RefusedHead(limits: HTTP1Limits())
        let isComplete = empty.read(Array("\r\n\r\n".utf8))
        #expect(!isComplete)
        #expect(empty.head.method.rawValue == "-")
    }
}
