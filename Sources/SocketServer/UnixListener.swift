// SPDX-License-Identifier: Apache-2.0

import Glibc

extension Listener {
    /// Listens on a Unix socket; a file that a crash has left behind is replaced.
    ///
    /// - Throws: `SocketServerError`.
    static func unix(_ path: String, mode: UInt32?, group: String?) throws(SocketServerError) -> Listener {
        let address = try UnixAddress(path)
        let owner = try group.map(identifier)
        let lock = try FolderLock(of: path)
        defer { lock.release() }
        try removeStale(address)
        let descriptor = try unixSocket()
        do {
            return try listen(descriptor, address, mode: mode, owner: owner)
        } catch {
            close(descriptor)
            throw error
        }
    }

    private static func unixSocket() throws(SocketServerError) -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | flags, 0)
        guard descriptor >= 0 else { throw .systemCall(name: "socket", errno: errno) }
        return descriptor
    }

    private static func listen(
        _ descriptor: Int32,
        _ address: UnixAddress,
        mode: UInt32?,
        owner: gid_t?
    ) throws(SocketServerError) -> Listener {
        let path = address.path
        guard address.withPointer({ bind(descriptor, $0, $1) }) == 0, let file = SocketFile(path) else {
            throw .cannotListen(address: path, errno: errno)
        }
        // Before listen(), so that no client connects with other permissions.
        let isPermitted = (owner.map { lchown(path, .max, $0) } ?? 0) == 0 && (mode.map { chmod(path, $0) } ?? 0) == 0
        guard isPermitted, Glibc.listen(descriptor, backlog) == 0 else {
            let code = errno
            unlink(path)
            throw .cannotListen(address: path, errno: code)
        }
        return Listener(descriptor: descriptor, address: "unix:\(path)", file: file)
    }

    /// - Throws: `.socketInUse` if a process listens there, `.notASocket`, `.cannotListen`.
    private static func removeStale(_ address: UnixAddress) throws(SocketServerError) {
        let path = address.path
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: path) }
        let probe = try unixSocket()
        defer { close(probe) }
        if address.withPointer({ connect(probe, $0, $1) }) == 0 { throw .socketInUse(path: path) }
        switch errno {
        case ECONNREFUSED: unlink(path)
        // Its backlog is full, or it is a socket of another type.
        case EAGAIN, EPROTOTYPE: throw .socketInUse(path: path)
        default: throw .cannotListen(address: path, errno: errno)
        }
    }

    /// A group's number.
    ///
    /// - Parameter group: a name or a number.
    /// - Returns: the number.
    /// - Throws: `SocketServerError.unknownGroup`.
    private static func identifier(_ group: String) throws(SocketServerError) -> gid_t {
        if let number = gid_t(group) { return number }
        var entry = Glibc.group()
        var found: UnsafeMutablePointer<Glibc.group>?
        var buffer = [CChar](repeating: 0, count: 64 << 10)
        guard getgrnam_r(group, &entry, &buffer, buffer.count, &found) == 0, let found else {
            throw .unknownGroup(name: group)
        }
        return found.pointee.gr_gid
    }
}

/// A path as the system calls take it.
private struct UnixAddress {
    let path: String
    private var address = sockaddr_un()

    /// - Throws: `SocketServerError.pathTooLong`.
    init(_ path: String) throws(SocketServerError) {
        self.path = path
        let limit = MemoryLayout.size(ofValue: address.sun_path) - 1
        guard path.utf8.count <= limit else { throw .pathTooLong(path: path, limit: limit) }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    }

    func withPointer(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

/// The file of a Unix socket that this process has made.
struct SocketFile: Sendable {
    private let path: String
    private let device: dev_t
    private let inode: ino_t

    /// nil: there is no file.
    init?(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        (self.path, device, inode) = (path, status.st_dev, status.st_ino)
    }

    /// Removes the file, unless another process has put its own in its place.
    ///
    /// While the socket is open, so that its inode cannot be used again.
    func remove() {
        // Without the lock only if another process holds it for seconds.
        let lock = try? FolderLock(of: path)
        defer { lock?.release() }
        guard let now = SocketFile(path), now.device == device, now.inode == inode else { return }
        unlink(path)
    }
}

/// An advisory lock on a file's folder: of two processes that replace the file, one waits for the other.
///
/// Without it both could find the file stale, and the second would remove what the first has just made. It locks the
/// folder itself, so that no lock file is left behind, and is held for some system calls only.
private struct FolderLock {
    private let descriptor: Int32

    private static let tries = 200
    private static let pauseMicroseconds: UInt32 = 10_000

    /// - Throws: `SocketServerError.cannotListen`.
    init(of path: String) throws(SocketServerError) {
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .cannotListen(address: path, errno: errno) }
        for _ in 0..<Self.tries {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return }
            usleep(Self.pauseMicroseconds)
        }
        let code = errno
        close(descriptor)
        throw .cannotListen(address: path, errno: code)
    }

    /// Closing the descriptor ends the lock.
    func release() { close(descriptor) }
}
