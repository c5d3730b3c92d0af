// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A listening socket, which does not block.
struct Listener {
    let descriptor: Int32
    /// What clients connect to: `http://127.0.0.1:8080` or `unix:/path`.
    let address: String

    /// - Throws: `SocketServerError`.
    init(_ endpoint: SocketServerConfiguration.Endpoint) throws(SocketServerError) {
        switch endpoint {
        case .tcp(let host, let port): self = try Self.tcp(host, port)
        case .unix(let path): self = try Self.unix(path)
        }
    }

    private static let flags = Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)

    private init(descriptor: Int32, address: String) {
        self.descriptor = descriptor
        self.address = address
    }

    private static func tcp(_ host: String, _ port: Int) throws(SocketServerError) -> Listener {
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0, let first = list else {
            throw .invalidAddress(host: host)
        }
        defer { freeaddrinfo(list) }
        let info = first.pointee
        let descriptor = socket(info.ai_family, info.ai_socktype | flags, 0)
        guard descriptor >= 0 else { throw .systemCall(name: "socket", errno: errno) }
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, 4)
        guard bind(descriptor, info.ai_addr, info.ai_addrlen) == 0, listen(descriptor, 1024) == 0 else {
            let code = errno
            close(descriptor)
            throw .cannotListen(address: "\(host):\(port)", errno: code)
        }
        let bound = boundPort(descriptor) ?? port
        let shown = host.contains(":") ? "[\(host)]" : host
        return Listener(descriptor: descriptor, address: "http://\(shown):\(bound)")
    }

    private static func boundPort(_ descriptor: Int32) -> Int? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard result == 0 else { return nil }
        // The port is at the same place in both address families.
        return withUnsafeBytes(of: &storage) { Int($0[2]) << 8 | Int($0[3]) }
    }

    private static func unix(_ path: String) throws(SocketServerError) -> Listener {
        var address = sockaddr_un()
        let limit = MemoryLayout.size(ofValue: address.sun_path) - 1
        guard path.utf8.count <= limit else { throw .pathTooLong(path: path, limit: limit) }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | flags, 0)
        guard descriptor >= 0 else { throw .systemCall(name: "socket", errno: errno) }
        // A crash leaves the socket file behind, and bind() would fail.
        if isSocket(path) { unlink(path) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, listen(descriptor, 1024) == 0 else {
            let code = errno
            close(descriptor)
            throw .cannotListen(address: path, errno: code)
        }
        return Listener(descriptor: descriptor, address: "unix:\(path)")
    }

    private static func isSocket(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }
}
