// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import SocketServer
import Synchronization

/// A server on a free port with a scripted service behind it, for the length of a test.
struct TestServer: Sendable {
    let server: SocketServer
    let handler: ScriptedHandler
    let port: UInt16

    func client(receiveBuffer: Int32? = nil) throws -> RawClient {
        try RawClient(port: port, receiveBuffer: receiveBuffer)
    }

    func http2Client(settings: [(UInt16, UInt32)] = HTTP2Client.openWindows) throws -> HTTP2Client {
        let client = HTTP2Client(try client())
        client.open(settings: settings)
        return client
    }

    /// Waits for what other threads bring about.
    ///
    /// - Throws: `RawClient.Failure` after 30 seconds.
    func wait(until condition: (TestServer) -> Bool) throws {
        for _ in 0..<30_000 {
            if condition(self) { return }
            usleep(1000)
        }
        throw RawClient.Failure(description: "waited 30 s in vain")
    }

    func pause(milliseconds: UInt32) { usleep(milliseconds * 1000) }

    /// The defaults on a free port, changed.
    static func settings(_ change: (inout SocketServerConfiguration) -> Void = { _ in }) -> SocketServerConfiguration {
        var configuration = SocketServerConfiguration(endpoint: .tcp(host: "127.0.0.1", port: 0))
        change(&configuration)
        return configuration
    }

    /// A body's time is over at once, but a slow sender is fast enough.
    static let patientWithBodies = settings {
        $0.bodyTimeout = .milliseconds(1)
        $0.minimumRate = 1
    }

    /// Runs `body` on a thread of its own, since it blocks.
    ///
    /// - Throws: what `body` throws, and `SocketServerError`.
    static func run(
        _ configuration: SocketServerConfiguration = settings(),
        _ body: @escaping @Sendable (TestServer) throws -> Void
    ) async throws {
        let handler = ScriptedHandler()
        let server = SocketServer(configuration: configuration, handler: handler)
        let address = try server.start()
        guard let port = address.split(separator: ":").last.flatMap({ UInt16($0) }) else {
            throw RawClient.Failure(description: address)
        }
        let test = TestServer(server: server, handler: handler, port: port)
        defer {
            handler.openGate()
            server.shutdown()
        }
        try await blocking { try body(test) }
    }

    /// Runs `body` on a thread of its own: one of Swift's tasks would keep the server's tasks waiting.
    static func blocking(_ body: @escaping @Sendable () throws -> Void) async throws {
        try await withCheckedThrowingContinuation { continuation in
            Thread { continuation.resume(with: Result { try body() }) }.start()
        }
    }
}

/// A drain that runs aside.
final class DrainResult: Sendable {
    private let done = DispatchSemaphore(value: 0)
    private let result = Mutex(false)

    init(_ server: SocketServer, timeout: Duration = .seconds(30)) {
        Task { [self] in
            let drained = await server.drain(timeout: timeout)
            result.withLock { $0 = drained }
            done.signal()
        }
    }

    /// Waits for the end, and tells whether all was finished.
    func value() -> Bool {
        done.wait()
        return result.withLock { $0 }
    }
}
