// SPDX-License-Identifier: Apache-2.0

import Foundation
import SocketServer
import Testing

/// Beginning to listen, draining, ending.
@Suite(.timeLimit(.minutes(2))) struct LifecycleTests {
    @Test func drainingFinishesWhatHasBegun() async throws {
        try await TestServer.run { test in
            let idle = try test.client()
            idle.request("GET", "/a")
            _ = try idle.response()
            let busy = try test.client()
            busy.request("GET", "/gate")
            try test.wait { $0.handler.waiting == 1 }
            let receiving = try test.client()
            receiving.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nha")
            try test.wait { $0.handler.admitted.count == 3 }
            test.server.stopAccepting()
            let drained = DrainResult(test.server)
            // Nothing to finish there: it ends at once.
            #expect(try idle.isAtEnd())
            receiving.send("lf")
            let half = try receiving.response()
            #expect(half.text == "half" && half.fields["connection"] == "close")
            #expect(try receiving.isAtEnd())
            receiving.finishSending()
            test.handler.openGate()
            #expect(try busy.response().fields["connection"] == "close")
            #expect(try busy.isAtEnd())
            busy.finishSending()
            #expect(drained.value())
            #expect(throws: RawClient.Failure.self) { try test.client() }
        }
    }

    @Test func drainingHasAnEnd() async throws {
        try await TestServer.run { test in
            let busy = try test.client()
            busy.request("GET", "/gate")
            try test.wait { $0.handler.waiting == 1 }
            #expect(!DrainResult(test.server, timeout: .milliseconds(50)).value())
            test.server.shutdown()
            try test.wait { $0.handler.statuses == [499] }
        }
    }

    @Test func saysWhyItCannotListen() async throws {
        try await TestServer.run { test in
            func start(_ endpoint: SocketServerConfiguration.Endpoint) throws {
                _ = try SocketServer(configuration: .init(endpoint: endpoint), handler: test.handler).start()
            }
            let port = Int(test.port)
            #expect(throws: SocketServerError.cannotListen(address: "127.0.0.1:\(port)", errno: EADDRINUSE)) {
                try start(.tcp(host: "127.0.0.1", port: port))
            }
            #expect(throws: SocketServerError.invalidAddress(host: "not an address")) {
                try start(.tcp(host: "not an address", port: 0))
            }
            let long = "/tmp/" + String(repeating: "x", count: 200)
            #expect(throws: SocketServerError.pathTooLong(path: long, limit: 107)) { try start(.unix(path: long)) }
            #expect(throws: SocketServerError.cannotListen(address: "/nowhere/socket", errno: ENOENT)) {
                try start(.unix(path: "/nowhere/socket"))
            }
        }
    }

    @Test func loopsShareTheConnections() async throws {
        try await TestServer.run(TestServer.settings { $0.loops = 3 }) { test in
            let clients = try (0..<9).map { _ in try test.client() }
            for (index, client) in clients.enumerated() { client.request("GET", "/\(index)") }
            for (index, client) in clients.enumerated() { #expect(try client.response().text == "/\(index)") }
        }
    }
}
