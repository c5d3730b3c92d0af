// SPDX-License-Identifier: Apache-2.0

import HTTP2Peer
import SocketServer
import Testing

/// The minimum rate of readers, and of clients that send on after a refusal; the test decides what time it is.
@Suite(.timeLimit(.minutes(2))) struct PaceTests {
    private typealias Manual = EventLoopTests.Manual

    /// Lets the client read at least `count` bytes.
    ///
    /// - Returns: whether there were as many before the end.
    private static func read(_ count: Int, _ client: RawClient, _ test: Manual) throws -> Bool {
        var received = 0
        while received < count {
            guard let bytes = try client.bytes() else { return false }
            received += bytes.count
            test.events.settle()
        }
        return true
    }

    @Test func aReaderBelowTheMinimumRateIsGivenUp() async throws {
        try await Manual.run(Manual.settings { $0.writeTimeout = .seconds(5) }) { test in
            let client = try test.client()
            client.request("GET", "/large")
            try test.events.settle { test.handler.statuses == [200] }
            for _ in 0..<4 {
                #expect(try Self.read(1, client, test))
                test.events.advance(by: .seconds(1))
                #expect(test.server.connectionCount == 1)
            }
            #expect(try Self.read(1, client, test))
            test.events.advance(by: .seconds(1))
            #expect(test.server.connectionCount == 0 && test.server.inflightBytes == 0)
        }
    }

    @Test func aReaderAboveTheMinimumRateMayTakeAnyTime() async throws {
        try await Manual.run(
            Manual.settings {
                $0.writeTimeout = .seconds(3)
                // A socket of this kind takes up to 160 kB at a time.
                $0.minimumRate = 50_000
            }
        ) { test in
            let client = try test.client()
            client.request("GET", "/large")
            try test.events.settle { test.handler.statuses == [200] }
            // More than twenty periods.
            for _ in 0..<65 where test.server.inflightBytes > 0 {
                #expect(try Self.read(120_000, client, test))
                test.events.advance(by: .seconds(1))
            }
            #expect(test.server.inflightBytes == 0 && test.server.connectionCount == 1)
        }
    }

    @Test func aStreamWhoseWindowOpensByBytesIsGivenUp() async throws {
        try await Manual.run(Manual.settings { $0.writeTimeout = .seconds(5) }) { test in
            let client = HTTP2Client(try test.client())
            client.open(settings: [(4, 1000)])
            client.request(1, "GET", "/large")
            try test.events.settle { test.handler.statuses == [200] }
            for _ in 0..<4 {
                client.send(.windowUpdate(1, 1), .ping())
                test.events.settle()
                test.events.advance(by: .seconds(1))
            }
            #expect(test.server.inflightBytes == 8_000_000)
            test.events.advance(by: .seconds(1))
            #expect(try client.response(1).reset == 8)
            #expect(client.responses[1]?.body.count == 1004)
            #expect(test.server.inflightBytes == 0 && test.server.connectionCount == 1)
        }
    }

    @Test func aConnectionThatFailedHoldsNoResponses() async throws {
        try await Manual.run { test in
            let client = HTTP2Client(try test.client())
            client.open(settings: [(4, 1000)])
            client.request(1, "GET", "/large")
            try test.events.settle { test.handler.statuses == [200] }
            #expect(test.server.inflightBytes > 7_000_000)
            // A protocol error (RFC 9113 6.9).
            client.send(.windowUpdate(0, 0))
            test.events.settle()
            #expect(test.server.inflightBytes == 0 && test.server.connectionCount == 1)
            #expect(try client.end() == 1)
        }
    }

    /// A client that reads only once it has sent everything.
    @Test func aSenderIsReadWhileItGoesOnAfterItsRefusal() async throws {
        try await Manual.run(Manual.settings { $0.lingerTimeout = .seconds(2) }) { test in
            let client = try test.client()
            client.send("POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n")
            test.events.settle()
            for _ in 0..<6 {
                for _ in 0..<30 {
                    client.send([UInt8](repeating: 0x61, count: 20_000))
                    test.events.settle()
                }
                test.events.advance(by: .seconds(1))
            }
            #expect(test.server.connectionCount == 1)
            test.events.advance(by: .seconds(2))
            #expect(try client.response().status == 413)
            #expect(test.server.connectionCount == 0)
        }
    }

    @Test func aStreamsWindowStaysOpenWhileItsBodyIsDropped() async throws {
        try await Manual.run(Manual.settings { $0.lingerTimeout = .seconds(2) }) { test in
            let client = HTTP2Client(try test.client())
            client.open()
            client.send(.headers(1, PeerFrame.request("POST", "/small"), ends: false))
            client.send(.data(1, [UInt8](repeating: 0x61, count: 16_000), ends: false))
            test.events.settle()
            #expect(try client.response(1).status == 413)
            // Twelve times the stream's window, and longer than the time of a silent client.
            for _ in 0..<6 {
                for _ in 0..<25 {
                    try client.upload(1, [UInt8](repeating: 0x61, count: 20_000), ends: false) { test.events.settle() }
                    test.events.settle()
                }
                test.events.advance(by: .seconds(1))
            }
            #expect(client.responses[1]?.reset == nil)
            client.send(.data(1, [1]))
            test.events.settle()
            client.request(3, "GET", "/early")
            test.events.settle()
            #expect(try client.response(3).status == 403)
            #expect(client.responses[1]?.reset == nil)
        }
    }

    @Test func aStreamThatStopsAfterItsRefusalIsReset() async throws {
        try await Manual.run(Manual.settings { $0.lingerTimeout = .seconds(2) }) { test in
            let client = HTTP2Client(try test.client())
            client.open()
            client.send(.headers(1, PeerFrame.request("POST", "/small"), ends: false))
            client.send(.data(1, [UInt8](repeating: 0x61, count: 16_000), ends: false))
            test.events.settle()
            test.events.advance(by: .seconds(2))
            #expect(try client.resetCode(1) == 0)
        }
    }
}
