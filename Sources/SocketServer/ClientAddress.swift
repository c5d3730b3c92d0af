// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The address of a connection's other end, for logs.
enum ClientAddress {
    /// Accepts a connection.
    ///
    /// - Returns: its descriptor, or -1 and `errno`; the client as `192.0.2.1:50000` or `[2001:db8::1]:50000`, or
    ///   `unix` for a Unix socket.
    static func accept(_ listener: Int32) -> (descriptor: Int32, client: String) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let descriptor = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.accept(listener, $0, &length) }
        }
        return descriptor < 0 ? (descriptor, "") : (descriptor, withUnsafeBytes(of: &storage, text))
    }

    private static func text(_ address: UnsafeRawBufferPointer) -> String {
        // The port is at the same place in both address families.
        let port = Int(address[2]) << 8 | Int(address[3])
        switch Int32(address.loadUnaligned(as: sa_family_t.self)) {
        case AF_INET: return "\(numeric(AF_INET, address[4..<8])):\(port)"
        case AF_INET6:
            let bytes = address[8..<24]
            // An IPv4 client of a socket for both families (RFC 4291 2.5.5.2).
            let isMapped =
                bytes.prefix(10).allSatisfy { $0 == 0 } && bytes.dropFirst(10).prefix(2).allSatisfy { $0 == 255 }
            return isMapped
                ? "\(numeric(AF_INET, bytes.suffix(4))):\(port)" : "[\(numeric(AF_INET6, bytes))]:\(port)"
        default: return "unix"
        }
    }

    private static func numeric(_ family: Int32, _ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        let capacity = Int(INET6_ADDRSTRLEN)
        let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer in
            inet_ntop(
                family,
                UnsafeRawBufferPointer(rebasing: bytes).baseAddress,
                buffer.baseAddress,
                socklen_t(capacity)
            )
            .map { String(cString: $0) }
        }
        return text ?? "?"
    }
}
