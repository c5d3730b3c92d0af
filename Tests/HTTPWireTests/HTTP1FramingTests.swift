// SPDX-License-Identifier: Apache-2.0

import HTTPWire
import Testing

/// Message framing, where requests are smuggled: RFC 9112 6 and 7.
@Suite struct HTTP1FramingTests {
    private func post(_ fields: String..., body: String = "") -> ParsedConnection {
        ParsedConnection("POST / HTTP/1.1\r\nHost: a\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n" + body)
    }

    @Test func readsABodyOfKnownLength() {
        let parsed = post("Content-Length: 5", body: "helloGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(parsed.bodies == [Array("hello".utf8), []] && parsed.completed == 2)
    }

    @Test(arguments: ["GET", "HEAD", "DELETE", "OPTIONS"])
    func framesABodyWhateverTheMethod(method: String) {
        let text = "\(method) / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + get()
        #expect(ParsedConnection(text).bodies == [Array("abc".utf8), []])
    }

    @Test func refusesTransferEncodingWithContentLength() {
        #expect(post("Content-Length: 5", "Transfer-Encoding: chunked").refusal == .contentLengthWithTransferEncoding)
        #expect(post("Transfer-Encoding: chunked", "Content-Length: 5").refusal == .contentLengthWithTransferEncoding)
    }

    @Test(arguments: [
        "identity", "chunked, identity", "chunked, chunked", "chunked;a=b", "xchunked", "chunked,", ",chunked", "",
        "\"chunked\"", "chun\u{212A}ed", "gzip,,chunked", "c hunked, chunked",
    ])
    func refusesACodingThatDoesNotEndInChunked(value: String) {
        #expect(post("Transfer-Encoding: \(value)").refusal == .malformedTransferEncoding)
    }

    @Test(arguments: ["gzip, chunked", "foo;q=1, chunked", "identity, chunked"])
    func doesNotImplementOtherCodings(value: String) {
        #expect(post("Transfer-Encoding: \(value)").refusal == .unknownTransferCoding)
    }

    @Test func takesChunkedOnceInAnyLetterCase() {
        #expect(post("Transfer-Encoding: ChunKED", body: "0\r\n\r\n").completed == 1)
        let twice = post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")
        #expect(twice.refusal == .malformedTransferEncoding)
    }

    @Test func refusesTransferEncodingIn10() {
        let parsed = ParsedConnection("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        #expect(parsed.refusal == .transferEncodingInHTTP10)
    }

    @Test(arguments: [
        "", "+5", "-5", "-0", "0x5", "5a", "5 5", "5,5", "5.0", "1_0", "９", "99999999999999999999",
        "9223372036854775808",
    ])
    func refusesAMalformedContentLength(value: String) {
        #expect(post("Content-Length: \(value)").refusal == .malformedContentLength)
    }

    @Test func refusesASecondContentLengthEvenAnEqualOne() {
        #expect(post("Content-Length: 5", "Content-Length: 6").refusal == .duplicateContentLength)
        #expect(post("Content-Length: 5", "content-length: 5").refusal == .duplicateContentLength)
    }

    @Test func readsChunks() {
        let parsed = ParsedConnection(chunked("5\r\nhello\r\n00A;x=\"y\" ;z\r\n0123456789\r\n0\r\n\r\n") + get())
        #expect(parsed.bodies.first == Array("hello0123456789".utf8) && parsed.completed == 2)
    }

    @Test(arguments: [
        "0x5\r\n", "+5\r\n", "-5\r\n", "5_0\r\n", " 5\r\n", "5 \r\n", "5 x\r\n", "\r\n", ";a\r\n", "g\r\n", "5\n",
        "5\rx",
        "5;a\n", "5;a\rb\r\n", "5;a\u{0}\r\n", "5;a\u{7f}\r\n", "FFFFFFFFFFFFFFFFF\r\n", "8000000000000000\r\n",
        "10000000000000005\r\n", "5\r\nhelloXX", "5\r\nhello\n", "5\r\nhello\rX", "5\r\nhello!\r\n",
    ])
    func refusesAMalformedChunk(body: String) {
        #expect(ParsedConnection(chunked(body)).refusal == .malformedChunk)
    }

    @Test func boundsChunkExtensions() {
        let long = String(repeating: "x", count: 1022)
        #expect(ParsedConnection(chunked("1;\(long)\r\na\r\n")).refusal == nil)
        #expect(ParsedConnection(chunked("1;\(long)x\r\n")).refusal == .chunkLineTooLong(limit: 1024))
        #expect(ParsedConnection(chunked("1;\(long)\(long)")).refusal == .chunkLineTooLong(limit: 1024))
        let many = String(repeating: "1;\(long)\r\na\r\n", count: 17)
        #expect(ParsedConnection(chunked(many)).refusal == .chunkLineTooLong(limit: 16 << 10))
    }

    @Test func dropsTrailersWithinTheHeadsLimits() {
        let parsed = ParsedConnection(chunked("1\r\na\r\n0\r\nContent-Length: 9\r\nX: y\r\n\r\n") + get())
        #expect(parsed.completed == 2 && parsed.heads.first?.request.contentLength == nil)
        #expect(ParsedConnection(chunked("0\r\nX : y\r\n\r\n")).refusal == .malformedField)
        #expect(ParsedConnection(chunked("0\r\nX: y\n\r\n")).refusal == .bareLineFeed)
        #expect(ParsedConnection(chunked("0\r\nX: y\rZ\r\n")).refusal == .bareCarriageReturn)
        #expect(ParsedConnection(chunked("0\r\n X: y\r\n")).refusal == .lineFolding)
        let field = "X: " + String(repeating: "y", count: 9_995) + "\r\n"
        let long = ParsedConnection(chunked("0\r\n" + String(repeating: field, count: 7)))
        #expect(long.refusal == .headTooLarge(limit: 64 << 10))
        let many = ParsedConnection(chunked("0\r\n" + String(repeating: "X: y\r\n", count: 129)))
        #expect(many.refusal == .tooManyFields(limit: 128))
    }

    @Test func neverCompletesAnIncompleteBody() {
        #expect(post("Content-Length: 5", body: "hell").completed == 0)
        #expect(ParsedConnection(chunked("5\r\nhello\r\n0\r\n")).completed == 0)
    }

    @Test(arguments: [
        (["Connection: close"], false), (["Connection: CLOSE"], false), (["Connection: x, Close"], false),
        (["Connection: x", "Connection: close"], false), (["Connection: keep-alive"], true), ([], true),
        (["Connection: keep-alive, close"], false), (["Connection: closed"], true),
    ])
    func closeInAnyElementEndsAConnection(fields: [String], keepsAlive: Bool) {
        let text = "GET / HTTP/1.1\r\nHost: a\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n"
        #expect(ParsedConnection(text).heads.first?.keepsAlive == keepsAlive)
    }

    @Test func closes10UnlessAskedNotTo() {
        #expect(ParsedConnection("GET / HTTP/1.0\r\n\r\n").heads.first?.keepsAlive == false)
        let asked = ParsedConnection("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
        #expect(asked.heads.first?.keepsAlive == true)
    }

    @Test func knowsOneExpectation() {
        #expect(ParsedConnection(get("Expect: 100-Continue")).heads.first?.expectsContinue == true)
        #expect(ParsedConnection(get("Expect: 200-ok")).refusal == .expectationFailed)
        #expect(ParsedConnection(get("Expect: 100-continue", "Expect: x")).refusal == .expectationFailed)
        let old = ParsedConnection("GET / HTTP/1.0\r\nExpect: x\r\n\r\n")
        #expect(old.heads.first?.expectsContinue == false)
    }

    @Test func takesAWellFormedOfferOfHTTP2() {
        let connection = "Connection: Upgrade, HTTP2-Settings"
        let upgrade = "Upgrade: h2c"
        func settings(_ fields: String...) -> [UInt8]? {
            let text = "GET / HTTP/1.1\r\nHost: a\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n"
            return ParsedConnection(text).heads.first?.http2Settings
        }
        #expect(settings(connection, upgrade, "HTTP2-Settings: AAMAAABk") == [0, 3, 0, 0, 0, 100])
        #expect(settings(connection, upgrade, "HTTP2-Settings:") == [])
        #expect(settings(connection, upgrade) == nil)
        #expect(settings(connection, "Upgrade: h2", "HTTP2-Settings: AAMAAABk") == nil)
        #expect(settings("Connection: Upgrade", upgrade, "HTTP2-Settings: AAMAAABk") == nil)
        #expect(settings("Connection: HTTP2-Settings", upgrade, "HTTP2-Settings: AAMAAABk") == nil)
        #expect(settings(connection, upgrade, "HTTP2-Settings: AAMAAABk", "HTTP2-Settings: AAMAAABk") == nil)
        #expect(settings(connection, upgrade, "HTTP2-Settings: AAMAAABk==") == nil)
        #expect(settings(connection, upgrade, "HTTP2-Settings: AAMAAAB+") == nil)
        #expect(settings(connection, upgrade, "HTTP2-Settings: AAMAAA") == nil)
        let old = "GET / HTTP/1.0\r\n\(connection)\r\n\(upgrade)\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"
        #expect(ParsedConnection(old).heads.first?.http2Settings == nil)
    }
}
