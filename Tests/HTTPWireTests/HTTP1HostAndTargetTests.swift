// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HTTPWire
import Testing

/// RFC 9112 3.2 and RFC 3986.
@Suite struct HTTP1HostAndTargetTests {
    @Test func needsExactlyOneHostIn11() {
        #expect(ParsedConnection("GET / HTTP/1.1\r\n\r\n").refusal == .missingHost)
        #expect(ParsedConnection("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n").refusal == .duplicateHost)
        #expect(ParsedConnection("GET / HTTP/1.0\r\n\r\n").completed == 1)
        #expect(ParsedConnection("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n").refusal == .duplicateHost)
    }

    @Test(arguments: [
        "a b", "a/b", "user@a", "a:port", "a:80:90", "[::1", "[]", "a?b", "a#b", "a:123456", "a\\b", "\u{e9}",
        ":80", "%", "%zz", "a%4", "[1:2]", "[:::]", "[1.2.3.4]", "[::1%25lo]",
    ])
    func refusesAnInvalidHost(host: String) {
        #expect(ParsedConnection("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n").refusal == .invalidHost)
    }

    @Test(arguments: ["a", "a:80", "a.b-c_d", "127.0.0.1:8080", "[::1]", "[::ffff:1.2.3.4]:80", "", "a:", "a%20b"])
    func acceptsAValidHost(host: String) {
        #expect(ParsedConnection("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n").completed == 1)
    }

    @Test func absoluteFormReplacesHost() throws {
        let parsed = ParsedConnection("GET http://b:81/x?y=1 HTTP/1.1\r\nHost: a\r\n\r\n")
        let request = try #require(parsed.heads.first).request
        let host = try #require(HTTPField.Name("Host"))
        #expect(request.fields[host] == "b:81" && request.path == "/x" && request.query.first?.value == "1")
        #expect(ParsedConnection("GET http://b HTTP/1.1\r\nHost: a\r\n\r\n").heads.first?.request.path == "/")
        #expect(ParsedConnection("GET http://b/ HTTP/1.1\r\n\r\n").refusal == .missingHost)
    }

    @Test func asteriskBelongsToOPTIONS() {
        #expect(ParsedConnection("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").heads.first?.request.path == "*")
        #expect(ParsedConnection("GET * HTTP/1.1\r\nHost: a\r\n\r\n").refusal == .malformedTarget)
    }

    @Test(arguments: [
        "a:80", "x", "ftp://a/", "/%", "/%4", "/%zz", "/%00", "/a%00b", "/a#b", "/?%", "/?a=%g0", "/\u{e9}", "/<",
        "/\"",
        "/\\", "http://", "http:///x", "http://u@a/", "/%ff", "http://:80/",
    ])
    func refusesAMalformedTarget(target: String) {
        #expect(ParsedConnection("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n").refusal == .malformedTarget)
    }

    @Test func decodesOnceAfterSplittingOffTheQuery() throws {
        let parsed = ParsedConnection("GET /a%2Fb%3Fc%252e?x=1%262&y=a+b%2B&&z&w={|} HTTP/1.1\r\nHost: a\r\n\r\n")
        let request = try #require(parsed.heads.first).request
        #expect(request.path == "/a/b?c%2e")
        #expect(request.query.map(\.name) == ["x", "y", "z", "w"])
        #expect(request.query.map(\.value) == ["1&2", "a b+", "", "{|}"])
        #expect(request.rawTarget == "/a%2Fb%3Fc%252e?x=1%262&y=a+b%2B&&z&w={|}")
    }
}
