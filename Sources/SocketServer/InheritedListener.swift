// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Listening sockets from the process that has started this one, such as systemd (sd_listen_fds(3)).
package enum SocketActivation {
    /// The first descriptor that is passed on.
    private static let first: Int32 = 3
    private static let most: Int32 = 256

    /// Takes the descriptors, and removes the variables, so that no child takes them for its own.
    ///
    /// - Returns: the descriptors; none if the variables are missing or meant for another process.
    package static func take() -> [Int32] {
        let (process, count) = (variable("LISTEN_PID"), variable("LISTEN_FDS"))
        for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsetenv(name) }
        return descriptors(process: process, count: count, own: getpid())
    }

    /// - Parameters:
    ///   - process: the value of `LISTEN_PID`.
    ///   - count: the value of `LISTEN_FDS`.
    ///   - own: the process's number.
    /// - Returns: the descriptors.
    package static func descriptors(process: String?, count: String?, own: Int32) -> [Int32] {
        guard let process = process.flatMap({ Int32($0) }), process == own, let count = count.flatMap({ Int32($0) }),
            (1...most).contains(count)
        else { return [] }
        return Array(first..<first + count)
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}

extension Listener {
    /// Listens on a descriptor that another process has opened, and whose file, if any, is that process's.
    ///
    /// - Throws: `SocketServerError.unusableDescriptor`.
    static func inherited(_ descriptor: Int32) throws(SocketServerError) -> Listener {
        guard option(SO_TYPE, of: descriptor) == Int32(SOCK_STREAM.rawValue),
            option(SO_ACCEPTCONN, of: descriptor) == 1, let address = address(of: descriptor)
        else { throw .unusableDescriptor(descriptor) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        return Listener(descriptor: descriptor, address: address)
    }

    private static func option(_ name: Int32, of descriptor: Int32) -> Int32? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 ? value : nil
    }

    /// nil: neither TCP nor a Unix socket.
    private static func address(of descriptor: Int32) -> String? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        let flags = NI_NUMERICHOST | NI_NUMERICSERV
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> Int32 in
                guard getsockname(descriptor, address, &length) == 0 else { return -1 }
                if Int32(address.pointee.sa_family) == AF_UNIX { return 0 }
                return getnameinfo(
                    address,
                    length,
                    &host,
                    socklen_t(host.count),
                    &port,
                    socklen_t(port.count),
                    flags
                )
            }
        }
        guard result == 0 else { return nil }
        switch Int32(storage.ss_family) {
        case AF_UNIX: return "unix:" + path(&storage, length)
        case AF_INET: return "http://\(text(host)):\(text(port))"
        case AF_INET6: return "http://[\(text(host))]:\(text(port))"
        default: return nil
        }
    }

    private static func path(_ storage: inout sockaddr_storage, _ length: socklen_t) -> String {
        withUnsafeBytes(of: &storage) { bytes in
            let path = bytes[MemoryLayout<sa_family_t>.size..<min(Int(length), bytes.count)]
            // A name without a file begins with NUL.
            let isAbstract = path.first == 0
            return (isAbstract ? "@" : "") + String(decoding: path.drop { $0 == 0 }.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
