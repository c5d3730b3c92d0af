// SPDX-License-Identifier: Apache-2.0

import Foundation

/// One GET of a probe over a plain socket: FoundationNetworking would more than double the binary for it.
package struct HealthProbe: Sendable, Equatable {
    /// The probe that says whether requests are served.
    package static let readiness = "/health/ready"

    enum Endpoint: Equatable {
        /// Tried in turn.
        case tcp(hosts: [String], port: Int)
        case unix(path: String)
    }

    /// Why a server counts as not healthy.
    package enum Failure: Error, Equatable, CustomStringConvertible {
        /// A line for each address that was tried.
        case noConnection([String])
        case noResponse(String)
        case status(Int, detail: String)

        package var description: String {
            switch self {
            case .noConnection(let attempts): attempts.joined(separator: "; ")
            case .noResponse(let reason): reason
            case .status(let code, let detail): detail.isEmpty ? "status \(code)" : "status \(code): \(detail)"
            }
        }
    }

    let endpoint: Endpoint
    let target: String

    /// The readiness probe of a server with these settings; nil: it selects a port that only its log names.
    package init?(_ configuration: ServiceConfiguration) {
        target = Self.readiness
        if let path = configuration.unixSocket {
            endpoint = .unix(path: path)
            return
        }
        guard configuration.port > 0 else { return nil }
        // A server on all addresses is on the loopback's too.
        let hosts =
            switch configuration.host {
            case "0.0.0.0": ["127.0.0.1"]
            case "::": ["::1", "127.0.0.1"]
            default: [configuration.host]
            }
        endpoint = .tcp(hosts: hosts, port: configuration.port)
    }

    /// The probe at an `http://` address, without a path the readiness probe; nil for any other text.
    package init?(url: String) {
        guard let parts = URLComponents(string: url), parts.scheme == "http", let host = parts.host, !host.isEmpty
        else { return nil }
        let port = parts.port ?? 80
        guard (1...65535).contains(port) else { return nil }
        endpoint = .tcp(hosts: [host.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))], port: port)
        // In HTTP both mean the root (RFC 9110 4.2.3), where a server that drains has its page too.
        let path = ["", "/"].contains(parts.percentEncodedPath) ? Self.readiness : parts.percentEncodedPath
        target = path + (parts.percentEncodedQuery.map { "?" + $0 } ?? "")
    }

    /// The value of the Host header; RFC 9110 7.2 has IPv6 addresses in brackets.
    var hostField: String {
        switch endpoint {
        case .unix: "localhost"
        case .tcp(let hosts, let port):
            (hosts.first.map { $0.contains(":") ? "[\($0)]" : $0 } ?? "") + (port == 80 ? "" : ":\(port)")
        }
    }

    /// What a person would call the probe.
    package var address: String {
        switch endpoint {
        case .unix(let path): "unix:\(path)"
        case .tcp: "http://\(hostField)\(target)"
        }
    }

    /// Requests the probe.
    ///
    /// Resolving a name takes as long as the resolver allows; the caller bounds the whole.
    ///
    /// - Parameter timeoutSeconds: of each step: connecting to one address, sending, receiving.
    /// - Throws: `Failure`, unless the response is 200.
    package func check(timeoutSeconds: Int) throws(Failure) {
        let socket = try connected(timeoutSeconds)
        defer { close(socket) }
        let request = Array("GET \(target) HTTP/1.1\r\nHost: \(hostField)\r\nConnection: close\r\n\r\n".utf8)
        guard send(socket, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            throw .noResponse("the request cannot be sent: \(reason())")
        }
        // Far more than a probe responds with.
        var response = [UInt8](repeating: 0, count: 1 << 16)
        var count = 0
        while count < response.count {
            let received = response.withUnsafeMutableBytes { buffer in
                recv(socket, buffer.baseAddress.map { $0 + count }, buffer.count - count, 0)
            }
            if received < 0, errno == EINTR { continue }
            if received < 0, errno == EAGAIN { throw .noResponse("no response within \(timeoutSeconds) s") }
            guard received >= 0 else { throw .noResponse("no response: \(reason())") }
            if received == 0 { break }
            count += received
        }
        try Self.judge(Array(response.prefix(count)))
    }

    static func judge(_ response: [UInt8]) throws(Failure) {
        guard response.starts(with: "HTTP/1.1 ".utf8), response.count >= 12,
            let status = Int(String(decoding: response[9..<12], as: UTF8.self))
        else { throw .noResponse(response.isEmpty ? "the connection was closed" : "the response is not HTTP") }
        guard status != 200 else { return }
        let text = String(decoding: response, as: UTF8.self)
        let body = text.range(of: "\r\n\r\n").map { text[$0.upperBound...] } ?? ""
        let problem = try? JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any]
        throw .status(status, detail: problem?["detail"] as? String ?? "")
    }

    // MARK: Connecting

    private func connected(_ timeoutSeconds: Int) throws(Failure) -> Int32 {
        var attempts: [String] = []
        switch endpoint {
        case .unix(let path):
            if let socket = unixSocket(path, timeoutSeconds, &attempts) { return socket }
        case .tcp(let hosts, let port):
            for host in hosts {
                if let socket = tcpSocket(host, port, timeoutSeconds, &attempts) { return socket }
            }
        }
        throw .noConnection(attempts)
    }

    private func tcpSocket(_ host: String, _ port: Int, _ timeoutSeconds: Int, _ attempts: inout [String]) -> Int32? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else {
            attempts.append("\(host): \(String(cString: gai_strerror(code)))")
            return nil
        }
        defer { freeaddrinfo(list) }
        // A name may have an address that the server does not listen on: localhost is often ::1 first.
        var next = list
        while let info = next?.pointee {
            let descriptor = socket(info.ai_family, info.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
            if connects(descriptor, info.ai_addr, info.ai_addrlen, timeoutSeconds) { return descriptor }
            attempts.append("\(numericHost(info)): \(reason())")
            if descriptor >= 0 { close(descriptor) }
            next = info.ai_next
        }
        return nil
    }

    private func unixSocket(_ path: String, _ timeoutSeconds: Int, _ attempts: inout [String]) -> Int32? {
        var address = sockaddr_un()
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
            attempts.append("\(path): \(String(cString: strerror(ENAMETOOLONG)))")
            return nil
        }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connects(descriptor, $0, length, timeoutSeconds)
            }
        }
        if isConnected { return descriptor }
        attempts.append("\(path): \(reason())")
        if descriptor >= 0 { close(descriptor) }
        return nil
    }

    private func connects(
        _ descriptor: Int32,
        _ address: UnsafePointer<sockaddr>?,
        _ length: socklen_t,
        _ timeoutSeconds: Int
    ) -> Bool {
        guard descriptor >= 0 else { return false }
        var timeout = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &timeout, socklen_t(MemoryLayout<timeval>.size))
        }
        return connect(descriptor, address, length) == 0
    }

    private func numericHost(_ info: addrinfo) -> String {
        var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        guard getnameinfo(info.ai_addr, info.ai_addrlen, &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST) == 0
        else { return "?" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private func reason() -> String {
        errno == EINPROGRESS ? "no connection in time" : String(cString: strerror(errno))
    }
}
