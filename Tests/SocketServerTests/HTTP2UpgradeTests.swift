// SPDX-License-Identifier: Apache-2.0

import HTTP2Peer
import SocketServer
import Testing

/// The way from HTTP/1.1 to HTTP/2 by `Upgrade: h2c` (RFC 7540 3.2).
@Suite(.timeLimit(.minutes(2))) struct HTTP2UpgradeTests {
    private static let offer = [
        "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAQAAP__",
    ]

    private static func head(_ method: String, _ path: String, _ fields: [String]) -> String {
        (["\(method) \(path) HTTP/1.1", "Host: a"] + fields).joined(separator: "\r\n") + "\r\n\r\n"
    }

    @Test(arguments: ["GET", "HEAD"]) func theRequestBecomesStreamOne(method: String) async throws {
        try await TestServer.run { test in
            let client = HTTP2Client(try test.client())
            client.send(Array(Self.head(method, "/abc", Self.offer).utf8))
            let text = try client.text()
            #expect(text == "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
            client.open()
            let response = try client.response(1)
            #expect(response.status == 200 && response.fields["content-length"] == "4")
            #expect(response.text == (method == "HEAD" ? "" : "/abc"))
            client.request(3, "POST", "/echo", body: Array("hi".utf8))
            #expect(try client.response(3).text == "hi")
            #expect(test.handler.admitted == ["/abc", "/echo"])
        }
    }

    @Test func thePrefaceMayComeBeforeTheWordToSwitch() async throws {
        try await TestServer.run { test in
            let client = HTTP2Client(try test.client())
            let upgrade = Array(Self.head("GET", "/first", Self.offer).utf8)
            let request = PeerFrame.headers(3, PeerFrame.request("GET", "/second"))
            client.send(upgrade + PeerFrame.preface + PeerFrame.settings().bytes + request.bytes)
            _ = try client.text()
            #expect(try client.response(3).text == "/second")
            #expect(try client.response(1).text == "/first")
        }
    }

    @Test func aLaterRequestMayTurnToo() async throws {
        try await TestServer.run { test in
            let raw = try test.client()
            raw.request("GET", "/a")
            #expect(try raw.response().text == "/a")
            let client = HTTP2Client(raw)
            client.send(Array(Self.head("GET", "/b", Self.offer).utf8))
            #expect(try client.text().hasPrefix("HTTP/1.1 101 "))
            client.open()
            #expect(try client.response(1).text == "/b")
        }
    }

    @Test func afterTheSwitchThePrefaceMustCome() async throws {
        try await TestServer.run { test in
            let client = HTTP2Client(try test.client())
            client.send(Array((Self.head("GET", "/a", Self.offer) + Self.head("GET", "/b", [])).utf8))
            _ = try client.text()
            #expect(try client.end() == 1)
            #expect(test.handler.admitted == ["/a"])
        }
    }

    private static let unacceptable: [[String]] = [
        ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"],
        ["Connection: Upgrade", "Upgrade: h2c", "HTTP2-Settings: AAQAAP__"],
        ["Connection: HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAQAAP__"],
        ["Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAQAAP__"],
        // `h2` is HTTP/2 over TLS.
        ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2", "HTTP2-Settings: AAQAAP__"],
        offer + ["HTTP2-Settings: AAQAAP__"],
        offered(settings: "AAQAAP8"),
        offered(settings: "AAQAAP__AA=="),
        offered(settings: "AAQ*"),
        // INITIAL_WINDOW_SIZE beyond its maximum; ENABLE_PUSH 2.
        offered(settings: "AASAAAAA"),
        offered(settings: "AAIAAAAC"),
        // The last word on this connection is its response.
        ["Connection: Upgrade, HTTP2-Settings, close", "Upgrade: h2c", "HTTP2-Settings: AAQAAP__"],
    ]

    private static func offered(settings: String) -> [String] { offer.dropLast() + ["HTTP2-Settings: \(settings)"] }

    @Test(arguments: unacceptable) func anOfferThatCannotBeTakenIsIgnored(fields: [String]) async throws {
        try await TestServer.run { test in
            let client = try test.client()
            client.send(Self.head("GET", "/a", fields))
            let response = try client.response()
            #expect(response.status == 200 && response.text == "/a")
        }
    }

    @Test(arguments: [
        ("Content-Length: 2", "hi"), ("Transfer-Encoding: chunked", "2\r\nhi\r\n0\r\n\r\n"),
    ])
    func aRequestWithABodyGetsItsResponseOverHTTP1(field: String, body: String) async throws {
        try await TestServer.run { test in
            let client = try test.client()
            client.send(Self.head("POST", "/echo", Self.offer + [field]) + body)
            #expect(try client.response().text == "hi")
        }
    }

    @Test func neverTurnsForHTTP10() async throws {
        try await TestServer.run { test in
            let client = try test.client()
            client.send("GET /a HTTP/1.0\r\n" + Self.offer.joined(separator: "\r\n") + "\r\n\r\n")
            #expect(try client.response().text == "/a")
        }
    }
}
