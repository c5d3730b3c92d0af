// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A listening socket, which does not block.
struct Listener {
    let descriptor: Int32
    /// What clients connect to: `http://127.0.0.1:8080` or `unix:/path`.
    let address: String
    /// The file of a Unix socket, if this process has made it.
    var file: SocketFile?

    static let flags = Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    static let backlog: Int32 = 1024

    /// - Throws: `SocketServerError`.
    static func open(_ endpoint: SocketServerConfiguration.Endpoint) throws(SocketServerError) -> [Listener] {
        switch endpoint {
        case .tcp(let host, let port): [try tcp(host, port)]
        case .unix(let path, let mode, let group): [try unix(path, mode: mode, group: group)]
        case .inherited(let descriptors): try descriptors.map(inherited)
        }
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
        guard bind(descriptor, info.ai_addr, info.ai_addrlen) == 0, listen(descriptor, backlog) == 0 else {
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
}
