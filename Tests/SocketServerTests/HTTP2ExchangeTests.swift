// SPDX-License-Identifier: Apache-2.0

import HTTP2Peer
import SocketServer
import Testing

/// Requests and responses over HTTP/2 on real sockets.
@Suite(.timeLimit(.minutes(2))) struct HTTP2ExchangeTests {
    @Test func takesAPrefaceThatTricklesIn() async throws {
        try await TestServer.run { test in
            let client = HTTP2Client(try test.client())
            let request = PeerFrame.headers(1, PeerFrame.request("GET", "/a"))
            for byte in PeerFrame.preface + PeerFrame.settings().bytes + request.bytes { client.send([byte]) }
            #expect(try client.response(1).text == "/a")
        }
    }

    @Test func speaksHTTP1ToWhatOnlyBeginsLikeAPreface() async throws {
        try await TestServer.run { test in
            for line in [
                "PRI * HTTP/2.0\r\nHost: a\r\n\r\n", "PRI / HTTP/1.1\r\nHost: a\r\n\r\n", "P / HTTP/1.1\r\n\r\n",
            ] {
                let client = try test.client()
                client.send(line)
                #expect(try client.response().fields["connection"] == "close")
            }
        }
    }

    @Test func respondsToEveryMethod() async throws {
        try await TestServer.run { test in
            let client = try test.http2Client()
            client.request(1, "GET", "/abc")
            let get = try client.response(1)
            #expect(get.status == 200 && get.text == "/abc" && get.fields["content-length"] == "4")
            let date = try #require(get.fields["date"])
            #expect(date.wholeMatch(of: /\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT/) != nil)
            #expect(get.fields["connection"] == nil)
            client.request(3, "HEAD", "/abc")
            let head = try client.response(3)
            #expect(head.status == 200 && head.body.isEmpty && head.fields["content-length"] == "4")
            client.request(5, "POST", "/echo", body: Array("hi".utf8))
            #expect(try client.response(5).text == "hi")
            client.request(7, "HEAD", "/early")
            #expect(try client.response(7).status == 403)
            #expect(test.handler.statuses == [200, 200, 200, 403])
        }
    }

    @Test func respondsToManyAtOnceInAnyOrder() async throws {
        try await TestServer.run { test in
            let client = try test.http2Client()
            client.request(1, "GET", "/gate")
            try test.wait { $0.handler.waiting == 1 }
            let streams = stride(from: UInt32(3), to: 201, by: 2)
            for stream in streams { client.request(stream, "GET", "/\(stream)") }
            for stream in streams { #expect(try client.response(stream).text == "/\(stream)") }
            #expect(client.responses[1] == nil)
            test.handler.openGate()
            #expect(try client.response(1).text == "/gate")
        }
    }

    @Test func takesABodyLargerThanEveryWindow() async throws {
        try await TestServer.run { test in
            let client = try test.http2Client()
            let body = (0..<8_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            client.send(.headers(1, PeerFrame.request("POST", "/echo"), ends: false))
            try client.upload(1, body)
            #expect(try client.response(1).body == body)
            #expect(test.server.inflightBytes == 0)
        }
    }

    @Test func continuesWhereTheClientWaits() async throws {
        try await TestServer.run { test in
            let client = try test.http2Client()
            let fields = PeerFrame.request("POST", "/echo", [("expect", "100-continue"), ("content-length", "2")])
            client.send(.headers(1, fields, ends: false))
            try client.read { $0.responses[1]?.informational == [100] }
            client.send(.data(1, Array("hi".utf8)))
            #expect(try client.response(1).text == "hi")
            let early = PeerFrame.request("POST", "/early", [("expect", "100-continue"), ("content-length", "2")])
            client.send(.headers(3, early, ends: false))
            let refused = try client.response(3)
            #expect(refused.status == 403 && refused.informational == [])
        }
    }

    @Test func anEarlyResponseLeavesASmallBodyItsTime() async throws {
        try await TestServer.run { test in
            let client = try test.http2Client()
            let fields = PeerFrame.request("POST", "/early", [("content-length", "60000")])
            client.send(.headers(1, fields, ends: false))
            #expect(try client.response(1).status == 403)
            try client.upload(1, [UInt8](repeating: 0x61, count: 60_000))
            client.request(3, "GET", "/next")
            #expect(try client.response(3).text == "/next")
            #expect(client.responses[1]?.reset == nil)
        }
    }

    @Test func anEarlyResponseStopsALargeBody() async throws {
        try await TestServer.run(TestServer.settings { $0.lingerTimeout = .milliseconds(50) }) { test in
            let client = try test.http2Client()
            client.send(.headers(1, PeerFrame.request("POST", "/early"), ends: false))
            let response = try client.response(1)
            #expect(response.status == 403 && response.isComplete)
            #expect(try client.resetCode(1) == 0)
            client.request(3, "GET", "/next")
            #expect(try client.response(3).text == "/next")
        }
    }

    @Test func anEarlyResponseIsWholeEvenIfTheBodyCameWithTheHead() async throws {
        try await TestServer.run(
            TestServer.settings {
                $0.lingerBytes = 20_000
                $0.lingerTimeout = .seconds(100)
            }
        ) { test in
            let client = try test.http2Client()
            let head = PeerFrame.headers(1, PeerFrame.request("POST", "/early"), ends: false)
            let body = PeerFrame.data(1, [UInt8](repeating: 0x61, count: 15_000), ends: false)
            client.send(head.bytes + body.bytes + body.bytes)
            let response = try client.response(1)
            #expect(response.status == 403 && response.text == "no")
            #expect(try client.resetCode(1) == 0)
        }
    }

    @Test func aResetCancelsTheRequest() async throws {
        try await TestServer.run { test in
            let client = try test.http2Client()
            client.request(1, "POST", "/gate", body: Array("12345".utf8))
            try test.wait { $0.handler.waiting == 1 }
            #expect(test.server.inflightBytes == 5)
            client.send(.reset(1))
            try test.wait { $0.handler.statuses == [499] }
            #expect(test.server.inflightBytes == 0)
            test.handler.openGate()
            try test.wait { $0.handler.cancelled == 1 }
            client.request(3, "GET", "/next")
            #expect(try client.response(3).text == "/next")
        }
    }

    @Test func aLostConnectionCancelsAllRequests() async throws {
        try await TestServer.run { test in
            let client = try test.http2Client()
            for stream in [1, 3, 5] as [UInt32] { client.request(stream, "GET", "/gate") }
            try test.wait { $0.handler.waiting == 3 }
            client.resetConnection()
            try test.wait { $0.handler.statuses == [499, 499, 499] }
            test.handler.openGate()
            try test.wait { $0.handler.cancelled == 3 }
            try test.wait { $0.server.connectionCount == 0 }
        }
    }

    @Test func aHalfClosedClientGetsItsResponses() async throws {
        try await TestServer.run { test in
            let client = try test.http2Client()
            client.request(1, "GET", "/gate")
            client.send(.headers(3, PeerFrame.request("POST", "/echo"), ends: false))
            try test.wait { $0.handler.waiting == 1 && $0.handler.admitted.count == 2 }
            client.finishSending()
            // What is incomplete is never processed.
            #expect(try client.resetCode(3) == 8)
            test.handler.openGate()
            #expect(try client.response(1).text == "/gate")
            #expect(try client.end() == 0)
            #expect(!test.handler.responded.contains("/echo"))
        }
    }

    @Test func aHalfClosedClientWhoseWindowIsFullIsNotWaitedFor() async throws {
        try await TestServer.run(TestServer.settings { $0.writeTimeout = .seconds(100) }) { test in
            let client = try test.http2Client(settings: [])
            client.request(1, "GET", "/large")
            client.finishSending()
            try test.wait { $0.handler.statuses == [200] && $0.server.connectionCount == 0 }
        }
    }

    @Test func aClientThatSaysGoodbyeFinishesItsRequest() async throws {
        try await TestServer.run { test in
            let client = try test.http2Client()
            client.send(.headers(1, PeerFrame.request("POST", "/echo"), ends: false), .goAway())
            client.send(.data(1, Array("hi".utf8)))
            #expect(try client.response(1).text == "hi")
            _ = try client.end()
        }
    }

    @Test func everyRequestIsCounted() async throws {
        try await TestServer.run { test in
            let client = try test.http2Client()
            client.send(.headers(1, PeerFrame.request("GET", "/", [("X", "y")])))
            #expect(try client.resetCode(1) == 1)
            client.send(.headers(3, PeerFrame.request("BREW", "/", [("from", "me")])))
            let refused = try client.response(3)
            #expect(refused.status == 501 && refused.text == "unknownMethod")
            #expect(refused.fields["server"] == "me", "the refusal knows the head")
            client.send(.headers(5, PeerFrame.request("POST", "/echo", [("content-length", "9")]), ends: false))
            client.send(.data(5, [1]))
            #expect(try client.resetCode(5) == 1)
            #expect(test.handler.statuses == [400, 501, 400])
        }
    }

    @Test func aViolationEndsTheConnectionWithAWord() async throws {
        try await TestServer.run { test in
            let client = try test.http2Client()
            client.request(1, "GET", "/gate")
            try test.wait { $0.handler.waiting == 1 }
            client.send(.data(0, [1]))
            #expect(try client.end() == 1)
            try test.wait { $0.handler.statuses == [499] }
        }
    }
}
