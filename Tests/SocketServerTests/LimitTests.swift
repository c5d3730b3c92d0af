// SPDX-License-Identifier: Apache-2.0

import Dispatch
import SocketServer
import Testing

/// Every bound of a connection, at its bound.
@Suite(.timeLimit(.minutes(2))) struct LimitTests {
    @Test func aHeadHasItsTime() async throws {
        // Long enough that the client is not late with its first byte, which is another matter: an idle connection.
        try await TestServer.run(TestServer.settings { $0.headerTimeout = .seconds(1) }) { test in
            let client = try test.client()
            client.send("GET / HTTP/1.1\r\nHost")
            let response = try client.response()
            #expect(response.status == 408 && response.text == "headTimeout")
            #expect(try client.isAtEnd())
        }
    }

    @Test func octetsDoNotRestartTheTimeOfAHead() async throws {
        try await TestServer.run(TestServer.settings { $0.headerTimeout = .seconds(1) }) { test in
            let client = try test.client()
            client.send("GET / HTTP/1.1\r\nHost: a\r\nX: ")
            // Drips until the server has enough: without its own end this would go on for ever.
            try test.wait { test in
                client.send("x")
                return test.handler.statuses == [408]
            }
        }
    }

    @Test func aBodyHasItsTime() async throws {
        try await TestServer.run(TestServer.settings { $0.bodyTimeout = .milliseconds(100) }) { test in
            let client = try test.client()
            client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
            let response = try client.response()
            #expect(response.status == 408 && response.text == "bodyTimeout")
            #expect(try client.isAtEnd())
            #expect(test.server.inflightBytes == 0)
        }
    }

    @Test func aLargeBodyMayTakeLongerWhileItComesFastEnough() async throws {
        try await TestServer.run(TestServer.patientWithBodies) { test in
            let client = try test.client()
            client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 8000\r\n\r\n")
            for _ in 0..<8 {
                client.send([UInt8](repeating: 0x61, count: 1000))
                test.pause(milliseconds: 50)
            }
            #expect(try client.response().body.count == 8000)
        }
    }

    @Test func anIdleConnectionEndsWithoutAWord() async throws {
        try await TestServer.run(TestServer.settings { $0.idleTimeout = .milliseconds(100) }) { test in
            let client = try test.client()
            client.request("GET", "/a")
            _ = try client.response()
            #expect(try client.isAtEnd())
            #expect(test.handler.statuses == [200])
        }
    }

    @Test func aReaderThatStallsIsGivenUp() async throws {
        try await TestServer.run(TestServer.settings { $0.writeTimeout = .milliseconds(200) }) { test in
            let client = try test.client(receiveBuffer: 4096)
            client.request("GET", "/large")
            try test.wait { $0.server.connectionCount == 1 }
            try test.wait { $0.server.connectionCount == 0 }
            // The kernel does not go on sending what it has: a reset, not an end.
            #expect(throws: RawClient.Failure.self) { while try client.bytes() != nil {} }
        }
    }

    @Test func aReaderThatIsOnlySlowIsServed() async throws {
        try await TestServer.run(TestServer.settings { $0.writeTimeout = .seconds(2) }) { test in
            let client = try test.client(receiveBuffer: 65_536)
            client.request("GET", "/large")
            test.pause(milliseconds: 300)
            #expect(try client.response().body.count == 8_000_000)
        }
    }

    @Test func aBodyBeyondItsLimitIsRefusedByItsLength() async throws {
        try await TestServer.run { test in
            let client = try test.client()
            client.request("POST", "/small", body: "0123456789")
            #expect(try client.response().text == "0123456789")
            client.request("POST", "/small", body: "0123456789a")
            let response = try client.response()
            #expect(response.status == 413 && response.text == "bodyTooLarge(limit: 10, actual: Optional(11))")
            #expect(try client.isAtEnd())
        }
    }

    @Test func chunksBeyondTheLimitAreRefused() async throws {
        try await TestServer.run { test in
            let client = try test.client()
            client.send("POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            client.send("6\r\n012345\r\n5\r\n6789a\r\n")
            let response = try client.response()
            #expect(response.status == 413 && response.text == "bodyTooLarge(limit: 10, actual: nil)")
            #expect(try client.isAtEnd())
        }
    }

    @Test func aSenderIsNotReadForEverAfterARefusal() async throws {
        try await TestServer.run(TestServer.settings { $0.lingerBytes = 100_000 }) { test in
            let client = try test.client()
            client.send("POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000000\r\n\r\n")
            // Far beyond what the kernel's buffers take: it ends because the server closes.
            client.send([UInt8](repeating: 0x61, count: 50_000_000))
            try test.wait { $0.server.connectionCount == 0 }
            #expect(test.handler.statuses == [413])
        }
    }

    @Test func bodiesInFlightAreBoundedTogether() async throws {
        try await TestServer.run(TestServer.settings { $0.maximumInflightBytes = 1000 }) { test in
            let first = try test.client()
            first.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n")
            first.send([UInt8](repeating: 0x61, count: 800))
            try test.wait { $0.server.inflightBytes == 800 }
            let second = try test.client()
            second.request("POST", "/echo", body: String(repeating: "b", count: 300))
            let refused = try second.response()
            #expect(refused.status == 503 && refused.text == "tooManyBytesInFlight(limit: 1000)")
            #expect(test.server.inflightBytes == 800)
            first.send([UInt8](repeating: 0x61, count: 100))
            #expect(try first.response().body.count == 900)
            #expect(test.server.inflightBytes == 0)
        }
    }

    @Test func responsesInFlightAreCounted() async throws {
        try await TestServer.run(TestServer.settings { $0.maximumInflightBytes = 1_000_000 }) { test in
            let reader = try test.client(receiveBuffer: 65_536)
            reader.request("GET", "/large")
            try test.wait { $0.server.inflightBytes == 8_000_000 }
            let second = try test.client()
            second.request("POST", "/echo", body: "b")
            #expect(try second.response().text == "tooManyBytesInFlight(limit: 1000000)")
            // A finished response is sent all the same.
            let third = try test.client()
            third.request("GET", "/large")
            #expect(try third.response().body.count == 8_000_000)
            #expect(try reader.response().body.count == 8_000_000)
            try test.wait { $0.server.inflightBytes == 0 }
            reader.request("GET", "/large")
            try test.wait { $0.server.inflightBytes == 8_000_000 }
            reader.reset()
            try test.wait { $0.server.inflightBytes == 0 }
        }
    }

    @Test func theBodyCountsUntilItsResponse() async throws {
        try await TestServer.run { test in
            let client = try test.client()
            client.request("POST", "/gate", body: "12345")
            try test.wait { $0.handler.waiting == 1 }
            #expect(test.server.inflightBytes == 5)
            client.reset()
            try test.wait { $0.server.inflightBytes == 0 }
        }
    }

    @Test func connectionsBeyondTheLimitAreMarkedAndThenWait() async throws {
        try await TestServer.run(
            TestServer.settings {
                $0.maximumConnections = 2
                $0.reserveConnections = 1
            }
        ) { test in
            let held = try (0..<2).map { _ in try test.client() }
            for client in held {
                client.request("GET", "/a")
                #expect(try client.response().fields["server"] == nil)
            }
            let third = try test.client()
            third.request("GET", "/gate")
            try test.wait { $0.handler.waiting == 1 }
            let fourth = try test.client()
            fourth.request("GET", "/b")
            test.pause(milliseconds: 50)
            #expect(!test.handler.admitted.contains("/b"))
            test.handler.openGate()
            let response = try third.response()
            #expect(response.fields["server"] == "over-limit" && response.fields["connection"] == "close")
            #expect(try third.isAtEnd())
            third.finishSending()
            #expect(try fourth.response().text == "/b")
            withExtendedLifetime(held) {}
        }
    }

    @Test func pipelinedRequestsAreHeldToABound() async throws {
        try await TestServer.run { test in
            let client = try test.client()
            client.request("GET", "/gate")
            try test.wait { $0.handler.waiting == 1 }
            // Eight million bytes of requests while one is under way: most stay in the kernel, all get a response.
            let request = "GET /b HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 15_900))\r\n\r\n"
            let sent = client.sendAside(Array(String(repeating: request, count: 500).utf8))
            test.handler.openGate()
            for _ in 0..<501 { #expect(try client.response().status == 200) }
            sent.wait()
        }
    }
}
