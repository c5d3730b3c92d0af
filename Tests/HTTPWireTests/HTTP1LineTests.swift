// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HTTPWire
import Testing

/// Request line and fields: RFC 9112 2, 3 and 5.
@Suite struct HTTP1LineTests {
    @Test func acceptsTheSimplestRequest() throws {
        let parsed = ParsedConnection("GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
        let head = try #require(parsed.heads.first)
        #expect(parsed.refusal == nil && parsed.completed == 1)
        #expect(head.request.method == .get && head.request.path == "/health/live")
        #expect(head.request.version == .http11 && head.keepsAlive && !head.request.hasBody)
    }

    @Test(arguments: [
        "GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", "\nGET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
    ])
    func refusesABareLineFeed(text: String) {
        #expect(ParsedConnection(text).refusal == .bareLineFeed)
    }

    @Test(arguments: [
        "GET / HTTP/1.1\rHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", "\rGET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", "GET / HTTP/1.1\rHost",
    ])
    func refusesABareCarriageReturn(text: String) {
        #expect(ParsedConnection(text).refusal == .bareCarriageReturn)
    }

    @Test func skipsAFewEmptyLinesBeforeTheRequest() {
        let line = "\r\n"
        #expect(ParsedConnection(String(repeating: line, count: 8) + get()).completed == 1)
        #expect(ParsedConnection(String(repeating: line, count: 9) + get()).refusal == .tooManyEmptyLines(limit: 8))
    }

    @Test(arguments: [" X: b", "\tX: b", " ", "Host: a\r\n folded", "Host: a\r\n\tfolded"])
    func refusesLeadingWhiteSpaceAndFolding(field: String) {
        #expect(ParsedConnection("GET / HTTP/1.1\r\n\(field)\r\n\r\n").refusal == .lineFolding)
    }

    @Test(arguments: ["X : b", "X\t: b", ": b", "no colon", "X\u{0}: b", "X(: b", "Ünicode: b", "X\u{b}: b"])
    func refusesAMalformedFieldName(field: String) {
        #expect(ParsedConnection(get(field)).refusal == .malformedField)
    }

    @Test(arguments: [0, 1, 8, 0x0B, 0x0C, 0x1F, 0x7F] as [UInt8])
    func refusesControlBytesInAValue(byte: UInt8) {
        let text = Array("GET / HTTP/1.1\r\nHost: a\r\nX: b".utf8) + [byte] + Array("c\r\n\r\n".utf8)
        #expect(ParsedConnection(pieces: [text]).refusal == .invalidFieldValue)
    }

    // Trimming more than SP and HTAB has hidden `chunked` from one of two servers.
    @Test(arguments: [0x85, 0xA0] as [UInt8])
    func trimsNothingButSpaceAndTab(byte: UInt8) {
        let text =
            Array("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked".utf8) + [byte] + Array("\r\n\r\n".utf8)
        #expect(ParsedConnection(pieces: [text]).refusal == .malformedTransferEncoding)
        #expect(ParsedConnection(get("Content-Length: \t 0 \t")).completed == 1)
    }

    @Test(arguments: [
        "GET /", "GET  / HTTP/1.1", " GET / HTTP/1.1", "GET / HTTP/1.1 ", "GET / x HTTP/1.1", "G(T / HTTP/1.1",
        "GET\t/\tHTTP/1.1",
    ])
    func refusesAMalformedRequestLineAtItsEnd(line: String) {
        #expect(ParsedConnection(line + "\r\n").refusal == .malformedRequestLine)
    }

    @Test(arguments: [
        "HTTP/1.1x", "http/1.1", "HTTP/1", "HTTP/11", "HTTP/1.10", "HTTP/a.b", "XTTP/1.1", "HTTP 1.1", "",
    ])
    func refusesAMalformedVersion(version: String) {
        let refusal = ParsedConnection("GET / \(version)\r\n").refusal
        #expect(refusal == .malformedVersion || refusal == .malformedRequestLine)
    }

    @Test(arguments: ["HTTP/0.9", "HTTP/2.0", "HTTP/3.0"])
    func refusesAnotherMajorVersion(version: String) {
        #expect(ParsedConnection("GET / \(version)\r\n").refusal == .unsupportedVersion)
    }

    @Test func treatsAHigherMinorVersionAs11() {
        #expect(ParsedConnection("GET / HTTP/1.7\r\nHost: a\r\n\r\n").heads.first?.request.version == .http11)
    }

    @Test(arguments: ["get", "Get", "FOO", "PROPFIND"])
    func doesNotKnowOtherMethods(method: String) {
        #expect(ParsedConnection("\(method) / HTTP/1.1\r\n").refusal == .unknownMethod)
    }

    @Test func isNoProxyForCONNECT() {
        #expect(ParsedConnection("CONNECT a:80 HTTP/1.1\r\n").refusal == .connectMethod)
    }

    @Test func refusesALineOverTheLimit() {
        let limit = HTTP1Limits().line
        let target = "/" + String(repeating: "a", count: limit - 14)
        #expect(ParsedConnection("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n").completed == 1)
        #expect(ParsedConnection("GET \(target)a HTTP/1.1\r\n").refusal == .targetTooLong(limit: limit))
        #expect(ParsedConnection("GET \(target)\(target)").refusal == .targetTooLong(limit: limit))
        let value = String(repeating: "a", count: limit - 3)
        #expect(ParsedConnection(get("X: " + value)).completed == 1)
        #expect(ParsedConnection(get("X: a" + value)).refusal == .headTooLarge(limit: limit))
        #expect(ParsedConnection(get("X: \(value)\(value)")).refusal == .headTooLarge(limit: limit))
    }

    @Test func refusesAHeadOverTheLimit() {
        let field = "X: " + String(repeating: "a", count: 9_995) + "\r\n"
        let head = "GET / HTTP/1.1\r\nHost: a\r\n"
        #expect(ParsedConnection(head + String(repeating: field, count: 6) + "\r\n").completed == 1)
        let refusal = ParsedConnection(head + String(repeating: field, count: 7)).refusal
        #expect(refusal == .headTooLarge(limit: 64 << 10))
    }

    @Test func refusesTooManyFields() {
        let fields = String(repeating: "X: b\r\n", count: 127)
        #expect(ParsedConnection("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n").completed == 1)
        #expect(
            ParsedConnection("GET / HTTP/1.1\r\nHost: a\r\n\(fields)X: b\r\n").refusal == .tooManyFields(limit: 128)
        )
    }

    @Test func keepsRepeatedFieldsInOrder() throws {
        let head = try #require(ParsedConnection(get("X: 1", "Y: 2", "x: 3")).heads.first)
        let name = try #require(HTTPField.Name("x"))
        #expect(head.request.fields[values: name] == ["1", "3"])
    }
}
