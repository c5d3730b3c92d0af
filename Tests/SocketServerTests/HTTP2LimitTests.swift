// SPDX-License-Identifier: Apache-2.0

import HTTP2Peer
import HTTPWire
import SocketServer
import Testing

/// Every bound of an HTTP/2 connection and its streams, and its end.
@Suite(.timeLimit(.minutes(2))) struct HTTP2LimitTests {
    @Test func aPrefaceHasItsTime() async throws {
        try await TestServer.run(TestServer.settings { $0.headerTimeout = .seconds(1) }) { test in
            let client = HTTP2Client(try test.client())
            client.send(Array(PeerFrame.preface.dropLast()))
            #expect(try client.end() == 1)
            let silent = HTTP2Client(try test.client())
            silent.send(PeerFrame.preface)
            #expect(try silent.end() == 1)
        }
    }

    @Test func aHeaderBlockHasItsTime() async throws {
        try await TestServer.run(TestServer.settings { $0.headerTimeout = .seconds(1) }) { test in
            let client = try test.http2Client()
            // An acknowledgement inside the block would be another matter.
            try client.read { $0.hasSeenSettings }
            client.send(PeerFrame(1, stream: 1, PeerFrame.block(PeerFrame.request("GET", "/"))))
            #expect(try client.end() == 11)
            #expect(test.handler.admitted == [])
        }
    }

    @Test func settingsMustBeAcknowledged() async throws {
        try await TestServer.run(
            TestServer.settings {
                $0.headerTimeout = .seconds(1)
                $0.idleTimeout = .seconds(1)
            }
        ) { test in
            let raw = try test.client()
            raw.send(PeerFrame.preface + PeerFrame.settings().bytes)
            raw.send(PeerFrame.headers(1, PeerFrame.request("GET", "/gate")).bytes)
            try test.wait { $0.handler.waiting == 1 }
            var frames = PeerFrames()
            while let bytes = try raw.bytes() { frames.append(bytes) }
            var last: PeerFrame?
            while let frame = frames.next() { last = frame }
            #expect(last?.kind == 7 && last?.number == 4)
        }
    }

    @Test func anIdleConnectionIsEndedWithAWord() async throws {
        try await TestServer.run(TestServer.settings { $0.idleTimeout = .seconds(1) }) { test in
            let client = try test.http2Client()
            client.request(1, "GET", "/a")
            _ = try client.response(1)
            #expect(try client.end() == 0)
            client.finishSending()
            try test.wait { $0.server.connectionCount == 0 }
        }
    }

    @Test func aConnectionIsNotIdleWhileARequestIsUnderWay() async throws {
        try await TestServer.run(TestServer.settings { $0.idleTimeout = .seconds(1) }) { test in
            let client = try test.http2Client()
            client.request(1, "GET", "/gate")
            try test.wait { $0.handler.waiting == 1 }
            test.pause(milliseconds: 1500)
            test.handler.openGate()
            #expect(try client.response(1).text == "/gate")
        }
    }

    @Test func aBodyHasItsTime() async throws {
        try await TestServer.run(
            TestServer.settings {
                $0.bodyTimeout = .milliseconds(100)
                $0.lingerTimeout = .milliseconds(50)
            }
        ) { test in
            let client = try test.http2Client()
            client.send(.headers(1, PeerFrame.request("POST", "/echo"), ends: false), .data(1, [1], ends: false))
            let response = try client.response(1)
            #expect(response.status == 408 && response.text == "bodyTimeout")
            #expect(try client.resetCode(1) == 0)
            #expect(test.server.inflightBytes == 0)
            // It was this stream's trouble only.
            client.request(3, "GET", "/next")
            #expect(try client.response(3).text == "/next")
        }
    }

    @Test func aLargeBodyMayTakeLongerWhileItComesFastEnough() async throws {
        try await TestServer.run(TestServer.patientWithBodies) { test in
            let client = try test.http2Client()
            let head = PeerFrame.headers(1, PeerFrame.request("POST", "/echo"), ends: false)
            let piece = PeerFrame.data(1, [UInt8](repeating: 0x61, count: 1000), ends: false)
            client.send(head.bytes + piece.bytes)
            for _ in 0..<8 {
                test.pause(milliseconds: 50)
                client.send(piece)
            }
            client.send(.data(1, []))
            #expect(try client.response(1).body.count == 9000)
        }
    }

    @Test func aBodyBeyondItsLimitIsRefused() async throws {
        try await TestServer.run(TestServer.settings { $0.lingerTimeout = .milliseconds(50) }) { test in
            let client = try test.http2Client()
            client.request(1, "POST", "/small", body: Array("0123456789".utf8))
            #expect(try client.response(1).text == "0123456789")
            client.send(.headers(3, PeerFrame.request("POST", "/small", [("content-length", "99999")]), ends: false))
            let byLength = try client.response(3)
            #expect(byLength.status == 413 && byLength.text == "bodyTooLarge(limit: 10, actual: Optional(99999))")
            #expect(try client.resetCode(3) == 0)
            client.send(.headers(5, PeerFrame.request("POST", "/small"), ends: false))
            client.send(.data(5, Array("012345".utf8), ends: false), .data(5, Array("6789a".utf8), ends: false))
            let byCount = try client.response(5)
            #expect(byCount.status == 413 && byCount.text == "bodyTooLarge(limit: 10, actual: nil)")
            #expect(try client.resetCode(5) == 0)
            #expect(test.server.inflightBytes == 0)
        }
    }

    @Test func aSenderIsNotReadForEverAfterARefusal() async throws {
        try await TestServer.run(
            TestServer.settings {
                $0.lingerBytes = 100_000
                $0.lingerTimeout = .seconds(100)
            }
        ) { test in
            let client = try test.http2Client()
            client.send(.headers(1, PeerFrame.request("POST", "/small"), ends: false))
            try client.upload(1, [UInt8](repeating: 0x61, count: 200_000))
            #expect(try client.resetCode(1) == 0)
            #expect(client.responses[1]?.status == 413)
            // One that waits for a window all the same would wait in vain.
            #expect(try client.end() == 0)
        }
    }

    @Test func responsesInFlightAreCounted() async throws {
        try await TestServer.run(TestServer.settings { $0.maximumInflightBytes = 1_000_000 }) { test in
            let client = try test.http2Client(settings: [(4, 0)])
            client.request(1, "GET", "/large")
            try test.wait { $0.server.inflightBytes == 8_000_000 }
            client.request(3, "POST", "/echo", body: [1])
            client.send(.windowUpdate(3, 1000))
            #expect(try client.response(3).text == "tooManyBytesInFlight(limit: 1000000)")
            client.send(.windowUpdate(1, 8_000_000))
            #expect(try client.response(1).body.count == 8_000_000)
            try test.wait { $0.server.inflightBytes == 0 }
            client.request(5, "GET", "/large")
            try test.wait { $0.server.inflightBytes == 8_000_000 }
            client.send(.reset(5))
            try test.wait { $0.server.inflightBytes == 0 }
            client.request(7, "GET", "/large")
            try test.wait { $0.server.inflightBytes == 8_000_000 }
            client.resetConnection()
            try test.wait { $0.server.inflightBytes == 0 }
        }
    }

    @Test func responsesThatWaitOnAConnectionAreBounded() async throws {
        try await TestServer.run(TestServer.settings { $0.maximumInflightBytes = 160_000_000 }) { test in
            let client = try test.http2Client(settings: [(4, 0)])
            for stream in [1, 3] as [UInt32] { client.request(stream, "GET", "/large") }
            try test.wait { $0.server.inflightBytes == 16_000_000 }
            client.request(5, "GET", "/large")
            client.send(.windowUpdate(5, 1000))
            let refused = try client.response(5)
            #expect(refused.status == 503 && refused.text == "tooManyResponseBytes(limit: 20000000)")
            // Small ones are sent all the same, and other connections have their own bound.
            client.request(7, "GET", "/a")
            client.send(.windowUpdate(7, 1000))
            #expect(try client.response(7).text == "/a")
            let other = try test.http2Client()
            other.request(1, "GET", "/large")
            #expect(try other.response(1).status == 200)
            for stream in [1, 3] as [UInt32] {
                client.send(.windowUpdate(stream, 8_000_000))
                #expect(try client.response(stream).body.count == 8_000_000)
            }
            client.request(9, "GET", "/large")
            client.send(.windowUpdate(9, 8_000_000))
            #expect(try client.response(9).body.count == 8_000_000)
        }
    }

    @Test func bodiesInFlightAreBoundedTogether() async throws {
        try await TestServer.run(TestServer.settings { $0.maximumInflightBytes = 1000 }) { test in
            let client = try test.http2Client()
            client.send(.headers(1, PeerFrame.request("POST", "/echo"), ends: false))
            client.send(.data(1, [UInt8](repeating: 0x61, count: 800), ends: false))
            try test.wait { $0.server.inflightBytes == 800 }
            client.request(3, "POST", "/echo", body: [UInt8](repeating: 0x62, count: 300))
            let refused = try client.response(3)
            #expect(refused.status == 503 && refused.text == "tooManyBytesInFlight(limit: 1000)")
            #expect(test.server.inflightBytes == 800)
            client.send(.data(1, [UInt8](repeating: 0x61, count: 100)))
            #expect(try client.response(1).body.count == 900)
            #expect(test.server.inflightBytes == 0)
        }
    }

    @Test func aReaderWhoseWindowStaysShutIsGivenUp() async throws {
        try await TestServer.run(TestServer.settings { $0.writeTimeout = .milliseconds(200) }) { test in
            let client = try test.http2Client(settings: [(4, 10)])
            client.request(1, "GET", "/large")
            #expect(try client.resetCode(1) == 8)
            #expect(client.responses[1]?.body.count == 10)
            client.request(3, "GET", "/next")
            #expect(try client.response(3).text == "/next")
        }
    }

    @Test func aReaderThatTakesNothingIsGivenUp() async throws {
        try await TestServer.run(TestServer.settings { $0.writeTimeout = .milliseconds(200) }) { test in
            let client = HTTP2Client(try test.client(receiveBuffer: 4096))
            client.open()
            client.request(1, "GET", "/large")
            try test.wait { $0.server.connectionCount == 1 }
            try test.wait { $0.server.connectionCount == 0 }
            withExtendedLifetime(client) {}
        }
    }

    @Test func aReaderThatIsOnlySlowIsServed() async throws {
        try await TestServer.run { test in
            let client = HTTP2Client(try test.client(receiveBuffer: 65_536))
            client.open()
            for stream in [1, 3, 5] as [UInt32] { client.request(stream, "GET", "/large") }
            test.pause(milliseconds: 300)
            for stream in [1, 3, 5] as [UInt32] { #expect(try client.response(stream).body.count == 8_000_000) }
        }
    }

    @Test func streamsAreBoundedAndTheirSlotsHeldByWork() async throws {
        try await TestServer.run(TestServer.settings { $0.http2.streams = 2 }) { test in
            let client = try test.http2Client()
            client.request(1, "GET", "/gate")
            client.request(3, "GET", "/gate")
            try test.wait { $0.handler.waiting == 2 }
            client.request(5, "GET", "/a")
            #expect(try client.resetCode(5) == 7)
            client.send(.reset(1), .reset(3))
            try test.wait { $0.handler.statuses == [499, 499] }
            // Both are reset, but their work is not over.
            client.request(7, "GET", "/a")
            #expect(try client.resetCode(7) == 7)
            test.handler.openGate()
            try test.wait { $0.handler.cancelled == 2 }
            // The loop hears of the end a little later than the handler.
            var stream: UInt32 = 9
            try test.wait { _ in
                client.request(stream, "GET", "/b")
                defer { stream += 2 }
                return (try? client.response(stream).status) == 200
            }
        }
    }

    @Test func aConnectionBeyondTheLimitIsForOneRequest() async throws {
        try await TestServer.run(
            TestServer.settings {
                $0.maximumConnections = 1
                $0.reserveConnections = 1
            }
        ) { test in
            let held = try test.client()
            held.request("GET", "/a")
            _ = try held.response()
            let client = try test.http2Client()
            client.request(1, "GET", "/b")
            #expect(try client.response(1).fields["server"] == "over-limit")
            #expect(try client.end() == 0)
            withExtendedLifetime(held) {}
        }
    }

    @Test func drainingFinishesWhatHasBegun() async throws {
        try await TestServer.run { test in
            let idle = try test.http2Client()
            idle.request(1, "GET", "/a")
            _ = try idle.response(1)
            let busy = try test.http2Client()
            busy.request(1, "GET", "/gate")
            busy.send(.headers(3, PeerFrame.request("POST", "/echo"), ends: false))
            try test.wait { $0.handler.waiting == 1 && $0.handler.admitted.count == 3 }
            test.server.stopAccepting()
            let drained = DrainResult(test.server)
            #expect(try idle.end() == 0)
            idle.finishSending()
            try busy.read { $0.goAways.count == 2 }
            #expect(busy.goAways.map { Array($0.payload.prefix(4)) } == [[127, 255, 255, 255], [0, 0, 0, 3]])
            // Too late: it is as if it had never been sent.
            busy.request(5, "GET", "/late")
            busy.send(.data(3, Array("hi".utf8)))
            #expect(try busy.response(3).text == "hi")
            test.handler.openGate()
            #expect(try busy.response(1).text == "/gate")
            #expect(try busy.end() == 0)
            busy.finishSending()
            #expect(drained.value())
            #expect(!test.handler.admitted.contains("/late"))
        }
    }

    @Test func drainingDoesNotWaitForAClientThatIsSilent() async throws {
        try await TestServer.run(TestServer.settings { $0.lingerTimeout = .milliseconds(50) }) { test in
            let raw = try test.client()
            raw.send(PeerFrame.preface + PeerFrame.settings().bytes)
            // It acknowledges neither the notice nor anything else.
            _ = try raw.bytes()
            #expect(DrainResult(test.server).value())
        }
    }
}
