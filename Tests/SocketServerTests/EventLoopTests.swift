// SPDX-License-Identifier: Apache-2.0

import Foundation
import SocketServer
import Testing

/// A loop whose readiness and time the test decides.
@Suite(.timeLimit(.minutes(2))) struct EventLoopTests {
    /// A server on a Unix socket, with one loop.
    final class Manual {
        let events = ManualEvents()
        let handler = ScriptedHandler()
        let server: SocketServer
        private let path: String

        /// Runs `body` on a thread of its own, since it blocks, and then ends the server.
        static func run(
            _ configuration: SocketServerConfiguration = settings(),
            _ body: @escaping @Sendable (Manual) throws -> Void
        ) async throws {
            try await withCheckedThrowingContinuation { continuation in
                Thread {
                    continuation.resume(
                        with: Result {
                            let test = try Manual(configuration)
                            try body(test)
                            test.end()
                        }
                    )
                }.start()
            }
        }

        /// The defaults on a Unix socket, changed.
        static func settings(
            _ change: (inout SocketServerConfiguration) -> Void = { _ in }
        ) -> SocketServerConfiguration {
            let folder = FileManager.default.temporaryDirectory
            let path = folder.appending(path: "uae-\(UUID().uuidString.prefix(8))").path()
            var configuration = SocketServerConfiguration(endpoint: .unix(path: path))
            change(&configuration)
            return configuration
        }

        private init(_ configuration: SocketServerConfiguration) throws {
            server = SocketServer(configuration: configuration, handler: handler, events: [events])
            path = String(try server.start().dropFirst("unix:".count))
            events.settle()
        }

        func client() throws -> RawClient {
            let client = try RawClient(path: path)
            events.settle()
            return client
        }

        /// The watch of the listening socket, and those of connections in the order of their coming.
        var listener: ManualWatch { events.watches[0] }
        var connections: ArraySlice<ManualWatch> { events.watches.dropFirst() }

        func request(_ client: RawClient, _ path: String) throws -> RawClient.Response {
            let count = handler.statuses.count
            client.request("GET", path)
            try events.settle { handler.statuses.count > count }
            return try client.response()
        }

        private func end() {
            handler.openGate()
            server.stopAccepting()
            server.shutdown()
            events.settle()
            #expect(server.connectionCount == 0)
            #expect(events.watches.allSatisfy { $0.cancellations == 1 })
        }
    }

    @Test func deadlinesAreMetInTheirOrder() async throws {
        try await Manual.run(Manual.settings { $0.headerTimeout = .seconds(10) }) { test in
            let clients = try (0..<3).map { _ in
                let client = try test.client()
                client.send("GET / HT")
                test.events.settle()
                test.events.advance(by: .seconds(1))
                return client
            }
            // Three seconds have passed.
            test.events.advance(by: .seconds(6))
            #expect(test.handler.statuses == [])
            for (index, client) in clients.enumerated() {
                test.events.advance(by: .seconds(1))
                #expect(try client.response().status == 408)
                #expect(test.handler.statuses.count == index + 1)
            }
        }
    }

    @Test func idleConnectionsCauseNoCalls() async throws {
        try await Manual.run(Manual.settings { $0.idleTimeout = .seconds(3600) }) { test in
            let clients = try (0..<100).map { _ in try test.client() }
            for client in clients { _ = try test.request(client, "/early") }
            // Each was given a deadline for its head, which is over now.
            test.events.advance(by: .seconds(11))
            let (calls, settings) = (test.events.timerCalls, test.events.timerSettings)
            let handled = test.connections.map(\.calls)
            for _ in 0..<3500 { test.events.advance(by: .seconds(1)) }
            #expect(test.events.timerCalls == calls && test.events.timerSettings == settings)
            #expect(test.connections.map(\.calls) == handled)
            #expect(test.server.connectionCount == 100)
            test.events.advance(by: .seconds(100))
            #expect(test.server.connectionCount == 0)
            #expect(test.events.timerCalls == calls + 1)
            withExtendedLifetime(clients) {}
        }
    }

    @Test func requestsDoNotSetTheTimer() async throws {
        try await Manual.run { test in
            let client = try test.client()
            let settings = test.events.timerSettings
            for _ in 0..<100 {
                #expect(try test.request(client, "/early").status == 403)
                #expect(try test.request(client, "/a").status == 200)
            }
            #expect(test.events.timerSettings == settings)
        }
    }

    @Test func anEarlierDeadlineSetsTheTimer() async throws {
        try await Manual.run(Manual.settings { $0.idleTimeout = .seconds(3600) }) { test in
            let client = try test.client()
            _ = try test.request(client, "/early")
            test.events.advance(by: .seconds(100))
            client.send("GET / HT")
            test.events.settle()
            #expect(test.events.timer == test.events.now + .seconds(10))
            test.events.advance(by: .seconds(10))
            #expect(try client.response().status == 408)
        }
    }

    @Test func aLaterDeadlineIsFoundByATimerThatFiresEarly() async throws {
        try await Manual.run(Manual.settings { $0.idleTimeout = .seconds(30) }) { test in
            let client = try test.client()
            test.events.advance(by: .seconds(9))
            _ = try test.request(client, "/early")
            test.events.advance(by: .seconds(29))
            #expect(test.server.connectionCount == 1)
            test.events.advance(by: .seconds(1))
            #expect(test.server.connectionCount == 0)
        }
    }

    @Test func aHangUpIsFoundWhileNothingIsReadOrWritten() async throws {
        try await Manual.run { test in
            var client: RawClient? = try test.client()
            client?.request("GET", "/gate")
            try test.events.settle { test.handler.waiting == 1 }
            client?.finishSending()
            test.events.settle()
            // The client may only have shut its side: it gets its response's first bytes.
            let watch = try #require(test.connections.first)
            #expect(!watch.isReading && !watch.isWriting)
            let calls = test.events.timerCalls
            test.events.advance(by: .seconds(60))
            // At most one timer that was set before, and no looking again and again.
            #expect(test.server.connectionCount == 1 && test.events.timerCalls <= calls + 1)
            client = nil
            test.events.settle()
            #expect(test.server.connectionCount == 0 && test.handler.statuses == [499])
            test.handler.openGate()
            try test.events.settle { test.handler.cancelled == 1 }
        }
    }

    @Test func writingIsWatchedWhileOutputIsBlocked() async throws {
        try await Manual.run { test in
            let client = try test.client()
            let watch = try #require(test.connections.first)
            _ = try test.request(client, "/a")
            #expect(watch.isReading && !watch.isWriting)
            client.request("GET", "/large")
            try test.events.settle { watch.isWriting }
            var received = 0
            while watch.isWriting, let bytes = try client.bytes() {
                received += bytes.count
                test.events.settle()
            }
            #expect(received > 1_000_000 && watch.isReading)
        }
    }

    @Test func aStalledReaderHasItsTime() async throws {
        try await Manual.run(
            Manual.settings {
                $0.writeTimeout = .seconds(5)
                // Any progress is enough; `PaceTests` have the rate.
                $0.minimumRate = 1
            }
        ) { test in
            let client = try test.client()
            client.request("GET", "/large")
            try test.events.settle { test.handler.statuses == [200] }
            test.events.advance(by: .seconds(4))
            #expect(test.server.connectionCount == 1)
            let watch = try #require(test.connections.first)
            let calls = watch.calls
            while watch.calls == calls {
                _ = try client.bytes()
                test.events.settle()
            }
            test.events.advance(by: .seconds(4))
            #expect(test.server.connectionCount == 1)
            test.events.advance(by: .seconds(1))
            #expect(test.server.connectionCount == 0)
        }
    }

    @Test func idleHTTP2ConnectionsCauseNoCalls() async throws {
        try await Manual.run(Manual.settings { $0.idleTimeout = .seconds(3600) }) { test in
            let client = HTTP2Client(try test.client())
            client.open()
            client.request(1, "GET", "/early")
            test.events.settle()
            #expect(try client.response(1).status == 403)
            // Its acknowledgement of the settings arrives.
            test.events.settle()
            test.events.advance(by: .seconds(11))
            let calls = test.events.timerCalls
            for _ in 0..<3500 { test.events.advance(by: .seconds(1)) }
            #expect(test.events.timerCalls == calls && test.server.connectionCount == 1)
            test.events.advance(by: .seconds(100))
            #expect(try client.end() == 0)
        }
    }

    @Test func aStalledStreamHasItsTime() async throws {
        try await Manual.run(Manual.settings { $0.writeTimeout = .seconds(5) }) { test in
            let client = HTTP2Client(try test.client())
            client.open(settings: [(4, 1000)])
            client.request(1, "GET", "/large")
            try test.events.settle { test.handler.statuses == [200] }
            test.events.advance(by: .seconds(4))
            let calls = test.events.timerCalls
            test.events.advance(by: .seconds(1))
            #expect(test.events.timerCalls == calls + 1)
            #expect(try client.response(1).reset == 8)
        }
    }

    @Test func acceptingWaitsForRoomAndGoesOnAtOnce() async throws {
        try await Manual.run(
            Manual.settings {
                $0.maximumConnections = 2
                $0.reserveConnections = 0
            }
        ) { test in
            var clients = try (0..<3).map { _ in try test.client() }
            #expect(test.server.connectionCount == 2 && !test.listener.isReading)
            let calls = test.events.timerCalls
            clients.removeFirst()
            test.events.settle()
            // No time has passed: the connection's end was the event.
            #expect(test.server.connectionCount == 2 && test.events.watches.count == 4)
            #expect(test.events.timerCalls == calls)
        }
    }

    @Test func aConnectionThatComesAfterTheEndIsClosed() async throws {
        try await Manual.run { test in
            let early = try test.client()
            test.server.shutdown()
            test.events.settle()
            #expect(try early.isAtEnd())
            #expect(test.server.connectionCount == 0)
        }
    }

    @Test func drainingEndsWithTheLastConnection() async throws {
        try await Manual.run { test in
            let client = try test.client()
            client.request("GET", "/gate")
            try test.events.settle { test.handler.waiting == 1 }
            let drained = DrainResult(test.server)
            test.handler.openGate()
            try test.events.settle { test.handler.statuses == [200] }
            #expect(try client.response().fields["connection"] == "close")
            client.finishSending()
            try test.events.settle { test.server.connectionCount == 0 }
            #expect(drained.value())
        }
    }
}
