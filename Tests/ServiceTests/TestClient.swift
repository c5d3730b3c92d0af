// SPDX-License-Identifier: Apache-2.0

import Foundation
import TensorFiles

/// One HTTP/1.1 exchange over a socket of its own.
struct TestClient: Sendable {
    let port: UInt16

    struct Response: Sendable {
        let status: Int
        let fields: [String: String]
        let body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }

        var json: [String: Any] {
            (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any] ?? [:]
        }

        /// The last part of a problem's type.
        var slug: String? { (json["type"] as? String)?.split(separator: ":").last.map(String.init) }

        var floats: [Float] { body.withUnsafeBytes { TensorFiles.floats(from: $0, dtype: .float32) } }
    }

    struct Failure: Error {
        let what: String
    }

    func get(_ target: String, _ fields: [(String, String)] = []) async throws -> Response {
        try await exchange("GET", target, fields, nil)
    }

    func post(_ target: String, _ body: [UInt8], _ fields: [(String, String)] = []) async throws -> Response {
        try await exchange("POST", target, fields, body)
    }

    func exchange(
        _ method: String,
        _ target: String,
        _ fields: [(String, String)] = [],
        _ body: [UInt8]?
    ) async throws -> Response {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: test\r\nConnection: close\r\n"
        for (name, value) in fields { head += "\(name): \(value)\r\n" }
        if let body { head += "Content-Length: \(body.count)\r\n" }
        let bytes = Array((head + "\r\n").utf8) + (body ?? [])
        return try Self.parse(try await send(bytes))
    }

    /// Sends bytes as they are and reads until the server closes.
    func send(_ bytes: [UInt8]) async throws -> [UInt8] {
        let port = port
        return try await withCheckedThrowingContinuation { continuation in
            // A thread for each: a hundred clients block at once.
            let thread = Thread {
                continuation.resume(with: Result { try Self.blockingExchange(port, bytes) })
            }
            thread.start()
        }
    }

    static func connect(_ port: UInt16) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        // A server that never responds fails the test instead of holding it up.
        var patience = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Failure(what: "connect \(errno)") }
        return descriptor
    }

    static func write(_ descriptor: Int32, _ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            // An early response may close the sending side; the response is still to be read.
            if count <= 0 { return }
            sent += count
        }
    }

    static func readToEnd(_ descriptor: Int32) -> [UInt8] {
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return received }
            received += buffer[..<count]
        }
    }

    private static func blockingExchange(_ port: UInt16, _ bytes: [UInt8]) throws -> [UInt8] {
        let descriptor = try connect(port)
        defer { close(descriptor) }
        write(descriptor, bytes)
        return readToEnd(descriptor)
    }

    static func parse(_ bytes: [UInt8]) throws -> Response {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { throw Failure(what: "no head") }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw Failure(what: "no status")
        }
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            let halves = line.split(separator: ":", maxSplits: 1)
            fields[halves[0].lowercased()] = halves.count > 1 ? halves[1].trimmingCharacters(in: .whitespaces) : ""
        }
        return Response(status: status, fields: fields, body: Array(bytes[end.upperBound...]))
    }
}
