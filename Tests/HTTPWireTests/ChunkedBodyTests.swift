// SPDX-License-Identifier: Apache-2.0

import HTTPWire
import Testing

@Suite struct ChunkedBodyTests {
    private static let message = Array(
        ("POST /encode HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "5\r\nhello\r\n1;name=value\r\n,\r\n6\r\n world\r\n0\r\nTrailer: dropped\r\n\r\n").utf8
    )

    // Several chunks in one read once lost the two bytes between them, so every way to cut the message in two counts.
    @Test(arguments: 0...message.count)
    func chunksJoinToTheBodyWhereverTheInputIsCut(cut: Int) throws {
        var parser = HTTP1Parser()
        var input: [UInt8] = []
        var body: [UInt8] = []
        var ends = 0
        for piece in [Self.message[..<cut], Self.message[cut...]] {
            input += piece
            reading: while true {
                let (event, consumed) = try input.withUnsafeBytes { try parser.next($0) }
                switch event {
                case .needsMore, .head: break
                case .body(let range): body += input[range]
                case .end: ends += 1
                }
                input.removeFirst(consumed)
                if case .needsMore = event, consumed == 0 || input.isEmpty { break reading }
                if case .end = event { break reading }
            }
        }
        #expect(String(decoding: body, as: UTF8.self) == "hello, world")
        #expect(ends == 1)
        #expect(input.isEmpty)
    }
}
