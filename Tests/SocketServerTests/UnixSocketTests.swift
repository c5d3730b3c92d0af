// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import SocketServer
import Synchronization
import Testing

/// Files of Unix sockets, and sockets that another process has opened.
@Suite(.timeLimit(.minutes(2))) struct UnixSocketTests {
    @Test func servesAUnixSocketAndRemovesIt() async throws {
        try await TestServer.blocking {
            let path = Self.newPath()
            try Self.leaveSocket(at: path)
            let server = Self.server(path)
            // A file that is left over from a crash is replaced.
            #expect(try server.start() == "unix:\(path)")
            let client = try RawClient(path: path)
            client.request("GET", "/a")
            #expect(try client.response().text == "/a")
            server.stopAccepting()
            #expect(!FileManager.default.fileExists(atPath: path))
            server.shutdown()
            // Without a drain before, too.
            let second = Self.server(path)
            _ = try second.start()
            second.shutdown()
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test func doesNotTakeASocketFromALiveServer() async throws {
        try await TestServer.blocking {
            let path = Self.newPath()
            let first = Self.server(path)
            _ = try first.start()
            #expect(throws: SocketServerError.socketInUse(path: path)) { try Self.server(path).start() }
            let client = try RawClient(path: path)
            client.request("GET", "/a")
            #expect(try client.response().text == "/a")
            first.shutdown()
            try "text".write(toFile: path, atomically: true, encoding: .utf8)
            #expect(throws: SocketServerError.notASocket(path: path)) { try Self.server(path).start() }
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "text")
            unlink(path)
        }
    }

    @Test func removesItsOwnSocketOnly() async throws {
        try await TestServer.blocking {
            let path = Self.newPath()
            let first = Self.server(path)
            _ = try first.start()
            unlink(path)
            let second = Self.server(path)
            _ = try second.start()
            first.stopAccepting()
            first.shutdown()
            let client = try RawClient(path: path)
            client.request("GET", "/a")
            #expect(try client.response().text == "/a")
            second.shutdown()
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    /// Each finds the same stale file; without a lock some would remove what another has just made.
    @Test func ofManyThatStartAtOnceOneListens() async throws {
        try await TestServer.blocking {
            for _ in 0..<20 {
                let path = Self.newPath()
                try Self.leaveSocket(at: path)
                let servers = (0..<8).map { _ in Self.server(path) }
                let winners = Mutex<[SocketServer]>([])
                DispatchQueue.concurrentPerform(iterations: servers.count) { index in
                    if (try? servers[index].start()) != nil { winners.withLock { $0.append(servers[index]) } }
                }
                #expect(winners.withLock { $0.count } == 1)
                let client = try RawClient(path: path)
                client.request("GET", "/a")
                #expect(try client.response().text == "/a")
                for server in servers { server.shutdown() }
                #expect(!FileManager.default.fileExists(atPath: path))
            }
        }
    }

    @Test func givesTheSocketItsModeAndGroup() async throws {
        let path = Self.newPath()
        for mode in [0o660, 0o600, 0o777] as [UInt32] {
            let server = Self.server(path, mode: mode, group: String(getgid()))
            _ = try server.start()
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == mode && status.st_gid == getgid())
            server.shutdown()
        }
        #expect(throws: SocketServerError.unknownGroup(name: "no such group")) {
            try Self.server(path, group: "no such group").start()
        }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func servesInheritedSockets() async throws {
        try await TestServer.blocking {
            let path = Self.newPath()
            let listening = try [Self.listeningSocket(at: path), Self.listeningSocket(port: 0)]
            let server = SocketServer(configuration: .init(endpoint: .inherited(listening)), handler: ScriptedHandler())
            let addresses = try server.start().components(separatedBy: ", ")
            #expect(addresses.first == "unix:\(path)")
            let port = try #require(addresses.last?.split(separator: ":").last.flatMap { UInt16($0) })
            for client in try [RawClient(path: path), RawClient(port: port)] {
                client.request("GET", "/a")
                #expect(try client.response().text == "/a")
            }
            server.stopAccepting()
            // Its file is another process's.
            #expect(FileManager.default.fileExists(atPath: path))
            server.shutdown()
            unlink(path)
        }
    }

    @Test func refusesInheritedDescriptorsThatDoNotListen() async throws {
        let connecting = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let file = open("/dev/null", O_RDONLY)
        for descriptor in [connecting, file, 9999] {
            #expect(throws: SocketServerError.unusableDescriptor(descriptor)) {
                try SocketServer(configuration: .init(endpoint: .inherited([descriptor])), handler: ScriptedHandler())
                    .start()
            }
        }
        close(connecting)
        close(file)
    }

    @Test(arguments: [
        ("7", "2", [3, 4]), ("7", "1", [3]), ("8", "1", []), ("7", "0", []), ("7", "-1", []), ("7", "x", []),
        ("7", "99999999999", []), ("7", "257", []), ("", "1", []),
    ])
    func takesDescriptorsMeantForItself(process: String, count: String, expected: [Int32]) {
        #expect(SocketActivation.descriptors(process: process, count: count, own: 7) == expected)
    }

    @Test func withoutItsVariablesNothingIsInherited() {
        #expect(SocketActivation.descriptors(process: nil, count: "1", own: 7) == [])
        #expect(SocketActivation.descriptors(process: "7", count: nil, own: 7) == [])
    }

    private static func newPath() -> String {
        FileManager.default.temporaryDirectory.appending(path: "uae-\(UUID().uuidString.prefix(8))").path()
    }

    private static func server(_ path: String, mode: UInt32? = nil, group: String? = nil) -> SocketServer {
        SocketServer(
            configuration: .init(endpoint: .unix(path: path, mode: mode, group: group)),
            handler: ScriptedHandler()
        )
    }

    /// A socket's file without a process, as a crash leaves it.
    private static func leaveSocket(at path: String) throws { close(try listeningSocket(at: path)) }

    private static func listeningSocket(at path: String) throws -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return try listeningSocket(AF_UNIX, address)
    }

    private static func listeningSocket(port: UInt16) throws -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return try listeningSocket(AF_INET, address)
    }

    private static func listeningSocket<Address>(_ family: Int32, _ address: Address) throws -> Int32 {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
        let result = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
            }
        }
        guard result == 0, listen(descriptor, 8) == 0 else { throw RawClient.Failure(description: "bind: \(errno)") }
        return descriptor
    }
}
