// SPDX-License-Identifier: Apache-2.0

import SocketServer
import Testing

/// Requests and responses over real sockets: order, persistence, expectations, half-closed clients.
@Suite(.timeLimit(.minutes(2))) struct ExchangeTests {
    @Test func respondsToPipelinedRequestsInOrder() async throws {
        try await TestServer.run { test in
            let client = try test.client()
            client.send(
                "GET /gate HTTP/1.1\r\nHost: a\r\n\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
            )
            client.send("GET /early HTTP/1.1\r\nHost: a\r\n\r\nGET /last HTTP/1.1\r\nHost: a\r\n\r\n")
            try test.wait { $0.handler.waiting == 1 }
            // One request at a time: the others wait unread.
            #expect(test.handler.admitted == ["/gate"])
            test.handler.openGate()
            let texts = try (0..<4).map { _ in try client.response().text }
            #expect(texts == ["/gate", "hi", "no", "/last"])
        }
    }

    @Test func readsARequestThatComesByteByByte() async throws {
        try await TestServer.run { test in
            let client = try test.client()
            for byte in "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n".utf8
            {
                client.send([byte])
            }
            #expect(try client.response().text == "hi")
        }
    }

    @Test func everyResponseIsDatedAndCounted() async throws {
        try await TestServer.run { test in
            let client = try test.client()
            client.request("GET", "/a")
            let response = try client.response()
            #expect(response.fields["content-length"] == "2")
            let date = try #require(response.fields["date"])
            #expect(date.wholeMatch(of: /\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT/) != nil)
            client.send("nonsense\r\n\r\n")
            #expect(try client.response().fields["date"] != nil)
        }
    }

    @Test func headResponsesHaveNoContent() async throws {
        try await TestServer.run { test in
            let client = try test.client()
            client.request("HEAD", "/abc")
            #expect(try client.response(hasContent: false).fields["content-length"] == "4")
            client.request("HEAD", "/early")
            #expect(try client.response(hasContent: false).status == 403)
            client.request("GET", "/after")
            #expect(try client.response().text == "/after")
        }
    }

    @Test(arguments: [
        "HEAD / HTTP/1.1\r\n\r\n", "HEAD /# HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD / HTTP/2.0\r\nHost: a\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", "HEAD /" + String(repeating: "a", count: 20_000),
        "GET /a HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\n\r\n",
    ])
    func aRefusalOfHEADHasNoContent(request: String) async throws {
        try await TestServer.run { test in
            let client = try test.client()
            client.send(request)
            if request.hasPrefix("GET") { #expect(try client.response().status == 200) }
            #expect(try client.response(hasContent: false).status >= 400)
            #expect(try client.isAtEnd())
        }
    }

    @Test(arguments: ["close", "Close", "x, CLOSE ,y"]) func nothingIsProcessedAfterClose(value: String) async throws {
        try await TestServer.run { test in
            let client = try test.client()
            let second = "GET /two HTTP/1.1\r\nHost: a\r\n\r\n"
            client.send("GET /one HTTP/1.1\r\nHost: a\r\nConnection: \(value)\r\n\r\n" + second)
            let response = try client.response()
            #expect(response.text == "/one" && response.fields["connection"] == "close")
            #expect(try client.isAtEnd())
            #expect(test.handler.admitted == ["/one"])
        }
    }

    @Test func http10ClosesUnlessAskedNotTo() async throws {
        try await TestServer.run { test in
            let staying = try test.client()
            staying.send("GET /one HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(try staying.response().fields["connection"] == "keep-alive")
            staying.send("GET /two HTTP/1.0\r\n\r\n")
            #expect(try staying.response().text == "/two")
            #expect(try staying.isAtEnd())
        }
    }

    @Test func continuesWhereTheClientWaits() async throws {
        try await TestServer.run { test in
            let client = try test.client()
            client.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            #expect(try client.read(upTo: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            client.send("hi")
            #expect(try client.response().text == "hi")
            // The body is here already: nobody waits for the word to go on.
            client.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nho")
            #expect(try client.response().text == "ho")
        }
    }

    @Test func neverContinuesForHTTP10() async throws {
        try await TestServer.run { test in
            let client = try test.client()
            client.send("POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            try test.wait { $0.handler.admitted.count == 1 }
            client.send("hi")
            #expect(try client.response().status == 200)
        }
    }

    @Test func refusesInsteadOfContinuing() async throws {
        try await TestServer.run { test in
            let client = try test.client()
            client.send("POST /early HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            let response = try client.response()
            #expect(response.status == 403 && response.fields["connection"] == "close")
            #expect(try client.isAtEnd())
        }
    }

    @Test func anEarlyResponseLeavesTheConnectionForASmallBody() async throws {
        try await TestServer.run { test in
            let client = try test.client()
            client.request("POST", "/early", body: String(repeating: "x", count: 60_000))
            #expect(try client.response().status == 403)
            client.request("GET", "/next")
            #expect(try client.response().text == "/next")
            #expect(test.handler.responded == ["/next"])
        }
    }

    @Test func anEarlyResponseLeavesTheConnectionForASmallChunkedBody() async throws {
        try await TestServer.run { test in
            let client = try test.client()
            let hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
            client.send(
                "POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "\(String(hidden.utf8.count, radix: 16))\r\n\(hidden)\r\n0\r\n\r\n"
            )
            let response = try client.response()
            #expect(response.status == 403 && response.fields["connection"] == nil)
            client.request("GET", "/after")
            #expect(try client.response().text == "/after")
            #expect(test.handler.admitted == ["/early", "/after"])
        }
    }

    @Test(arguments: ["x\r\n", "2\r\nhij\r\n0\r\n\r\n", "2\r\nhi\n0\r\n\r\n", "0\r\nX\r\n\r\n"])
    func aMalformedBodyIsRefusedBeforeAResponseThatDoesNotNeedIt(body: String) async throws {
        try await TestServer.run { test in
            let client = try test.client()
            client.send("POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
            let response = try client.response()
            #expect(response.status == 400 && response.fields["connection"] == "close")
            #expect(try client.isAtEnd())
        }
    }

    @Test(arguments: ["5\r\nhi", "20000\r\n" + String(repeating: "h", count: 0x20000)])
    func anEarlyResponseDoesNotWaitForALongChunkedBody(body: String) async throws {
        try await TestServer.run { test in
            let client = try test.client()
            client.send("POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
            let response = try client.response()
            #expect(response.status == 403 && response.fields["connection"] == "close")
            #expect(try client.isAtEnd())
        }
    }

    @Test func anEarlyResponseIsTheOnlyOneIfTheBodyDoesNotCome() async throws {
        let configuration = TestServer.settings {
            $0.bodyTimeout = .milliseconds(100)
            $0.writeTimeout = .milliseconds(100)
        }
        try await TestServer.run(configuration) { test in
            let client = try test.client()
            client.send("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhi")
            #expect(try client.response().status == 403)
            #expect(try client.isAtEnd())
            #expect(test.handler.statuses == [403])
        }
    }

    @Test func anEarlyResponseToALargeBodyIsSeenByItsSender() async throws {
        try await TestServer.run { test in
            let client = try test.client()
            client.send("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n")
            client.send([UInt8](repeating: 0x61, count: 900_000))
            let response = try client.response()
            #expect(response.status == 403 && response.fields["connection"] == "close")
            #expect(try client.isAtEnd())
        }
    }

    @Test func aHalfClosedClientGetsItsResponse() async throws {
        try await TestServer.run { test in
            let client = try test.client()
            client.request("GET", "/gate")
            client.finishSending()
            try test.wait { $0.handler.waiting == 1 }
            test.handler.openGate()
            #expect(try client.response().text == "/gate")
            #expect(try client.isAtEnd())
        }
    }

    @Test func aHalfClosedClientGetsAllItsResponses() async throws {
        try await TestServer.run { test in
            let client = try test.client()
            client.request("GET", "/gate")
            for body in ["a", "b", "c"] { client.request("POST", "/echo", body: body) }
            client.request("GET", "/early")
            client.request("GET", "/last")
            client.send("GET /unfinished HTTP/1.1\r\n")
            try test.wait { $0.handler.waiting == 1 }
            client.finishSending()
            // The first bytes of the response are sent ahead once the end is seen.
            #expect(try client.read(upTo: "HTTP/1.1 ") == "HTTP/1.1 ")
            test.handler.openGate()
            #expect(try client.read(upTo: "/gate").hasPrefix("200 OK"))
            let texts = try (0..<5).map { _ in try client.response().text }
            #expect(texts == ["a", "b", "c", "no", "/last"])
            #expect(try client.isAtEnd())
            #expect(!test.handler.admitted.contains("/unfinished"))
        }
    }

    @Test func anIncompleteRequestIsNeverProcessed() async throws {
        try await TestServer.run { test in
            let client = try test.client()
            client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
            client.finishSending()
            #expect(try client.isAtEnd())
            let chunked = try test.client()
            chunked.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
            chunked.finishSending()
            #expect(try chunked.isAtEnd())
            #expect(test.handler.responded == [])
            #expect(test.handler.statuses == [499, 499])
        }
    }

    @Test func aFramingErrorEndsTheConnection() async throws {
        try await TestServer.run { test in
            let client = try test.client()
            client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
            client.send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
            let response = try client.response()
            #expect(response.status == 400 && response.text == "malformedChunk")
            #expect(response.fields["connection"] == "close")
            #expect(try client.isAtEnd())
            #expect(test.handler.admitted == ["/echo"])
        }
    }

    @Test func aClientThatLeavesCancelsItsRequest() async throws {
        try await TestServer.run { test in
            let client = try test.client()
            client.request("GET", "/gate")
            try test.wait { $0.handler.waiting == 1 }
            client.reset()
            try test.wait { $0.handler.statuses == [499] }
            test.handler.openGate()
            try test.wait { $0.handler.cancelled == 1 }
            try test.wait { $0.server.connectionCount == 0 }
        }
    }
}
