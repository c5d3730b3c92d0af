// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation

/// A socket that sends bytes as they are and reads responses one at a time.
///
/// Blocks; belongs to one thread.
final class RawClient {
    struct Response {
        let status: Int
        let fields: [String: String]
        let body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let descriptor: Int32
    private var received: [UInt8] = []

    /// - Parameters:
    ///   - port: on the loopback address.
    ///   - receiveBuffer: bytes that the kernel takes for a client that does not read; nil: its own choice.
    /// - Throws: `Failure` when the server does not take the connection.
    init(port: UInt16, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        try connect(to: address)
    }

    /// - Parameter path: of a Unix socket.
    /// - Throws: `Failure` when the server does not take the connection.
    init(path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        try connect(to: address)
    }

    private func connect<Address>(to address: Address) throws {
        // A server that never responds fails the test instead of holding it up.
        var patience = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let result = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
            }
        }
        guard result == 0 else { throw Failure(description: "connect: \(errno)") }
    }

    deinit { close(descriptor) }

    func send(_ text: String) { send(Array(text.utf8)) }

    /// Sends as much as the server takes; it may close while we send.
    func send(_ bytes: [UInt8]) { Self.send(bytes, to: descriptor) }

    /// Sends from another thread, so that this one can read meanwhile.
    ///
    /// - Returns: signalled when all is sent.
    func sendAside(_ bytes: [UInt8]) -> DispatchSemaphore {
        let (done, descriptor) = (DispatchSemaphore(value: 0), descriptor)
        Thread {
            Self.send(bytes, to: descriptor)
            done.signal()
        }.start()
        return done
    }

    private static func send(_ bytes: [UInt8], to descriptor: Int32) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            sent += count
        }
    }

    /// A request with what every request needs.
    func request(_ method: String, _ path: String, _ fields: String..., body: String = "") {
        let lines = (["\(method) \(path) HTTP/1.1", "Host: test"] + fields).joined(separator: "\r\n")
        let length = body.isEmpty ? "" : "\r\nContent-Length: \(body.utf8.count)"
        send(lines + length + "\r\n\r\n" + body)
    }

    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Ends with a reset, as a killed process with unread data does.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// True once the server has ended its side, and nothing but that was left to read.
    func isAtEnd() throws -> Bool { try !receive() && received.isEmpty }

    /// The next bytes as they come; nil: the server has ended its side.
    func bytes() throws -> [UInt8]? {
        if received.isEmpty, try !receive() { return nil }
        defer { received.removeAll() }
        return received
    }

    /// What was sent beside the responses that were read, up to the end.
    func rest() throws -> String {
        while try receive() {}
        return String(decoding: received, as: UTF8.self)
    }

    /// Bytes up to and including `mark`.
    func read(upTo mark: String) throws -> String {
        let mark = Array(mark.utf8)
        while true {
            if let range = received.firstRange(of: mark) {
                defer { received.removeFirst(range.upperBound) }
                return String(decoding: received[..<range.upperBound], as: UTF8.self)
            }
            guard try receive() else { throw Failure(description: "ended at \(received.count) bytes") }
        }
    }

    func response(hasContent: Bool = true) throws -> Response {
        let lines = try read(upTo: "\r\n\r\n").split(separator: "\r\n")
        guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw Failure(description: "no status in \(lines)")
        }
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            let halves = line.split(separator: ":", maxSplits: 1)
            fields[halves[0].lowercased()] = halves.count > 1 ? halves[1].trimmingCharacters(in: .whitespaces) : ""
        }
        let length = hasContent ? Int(fields["content-length"] ?? "0") ?? 0 : 0
        while received.count < length {
            guard try receive() else { throw Failure(description: "body ended at \(received.count) of \(length)") }
        }
        defer { received.removeFirst(length) }
        return Response(status: status, fields: fields, body: Array(received[..<length]))
    }

    /// - Returns: whether anything came before the server ended its side.
    private func receive() throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count < 0 { throw Failure(description: errno == EAGAIN ? "no response in 30 s" : "recv: \(errno)") }
        received += buffer[..<count]
        return count > 0
    }
}
