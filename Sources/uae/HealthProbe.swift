// SPDX-License-Identifier: Apache-2.0

import Foundation

/// One GET over a plain socket: FoundationNetworking would more than double the binary for it.
struct HealthProbe {
    private let host: String
    private let port: Int
    private let path: String

    init?(url: String) {
        guard let parts = URLComponents(string: url), parts.scheme == "http", let host = parts.host else { return nil }
        self.host = host.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        port = parts.port ?? 80
        path = parts.path.isEmpty ? "/" : parts.path
    }

    func isHealthy(timeoutSeconds: Int) -> Bool {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0, let info = list?.pointee else { return false }
        defer { freeaddrinfo(list) }
        let descriptor = socket(info.ai_family, info.ai_socktype, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var timeout = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &timeout, socklen_t(MemoryLayout<timeval>.size))
        }
        guard connect(descriptor, info.ai_addr, info.ai_addrlen) == 0 else { return false }
        let request = Array("GET \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n".utf8)
        guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            return false
        }
        var response = [UInt8](repeating: 0, count: 12)
        var count = 0
        while count < response.count {
            let read = response.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress.map { $0 + count }, 12 - count, 0)
            }
            guard read > 0 else { return false }
            count += read
        }
        return response.starts(with: "HTTP/1.1 200".utf8)
    }
}
