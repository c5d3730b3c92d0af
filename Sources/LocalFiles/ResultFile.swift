// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Writes results: whole or not at all.
package enum ResultFile {
    package enum Outcome: Equatable, Sendable {
        case written
        /// There was a result already, and it was not to be replaced.
        case exists
    }

    /// Writes one result.
    ///
    /// A regular file appears under its name once it is complete. It has no name before, so that a killed process leaves
    /// nothing behind. Links are followed; a FIFO or device gets the bytes.
    ///
    /// - Parameters:
    ///   - bytes: the result.
    ///   - path: where it goes; missing folders are created.
    ///   - replaces: whether an existing result is replaced.
    ///   - isNamed: whether the unfinished file has a name, as on file systems without unnamed files.
    /// - Returns: whether it was written.
    /// - Throws: `LocalFileError.cannotCreate`, `.cannotWrite`.
    package static func write(
        _ bytes: [UInt8],
        to path: String,
        replaces: Bool,
        isNamed: Bool = false
    ) throws(LocalFileError) -> Outcome {
        let status = FilePath.status(path)
        if status == nil, errno != ENOENT { throw .cannotCreate(path: path, errno: errno) }
        if let status, status.kind != .regular {
            let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY)
            guard descriptor >= 0 else { throw .cannotCreate(path: path, errno: errno) }
            defer { close(descriptor) }
            try write(bytes, to: descriptor, path)
            return .written
        }
        if let status, status.st_size > 0, !replaces { return .exists }
        let target = FilePath.canonical(path)
        let folder = FilePath.split(target).folder
        try FilePath.makeFolder(folder)
        var file = try UnfinishedFile(in: folder, for: path, isNamed: isNamed)
        if let status { fchmod(file.descriptor, status.st_mode & 0o777) }
        try write(bytes, to: file.descriptor, path)
        return try file.publish(as: target, replaces: replaces || status != nil)
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(LocalFileError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                // A pipe that another process made non-blocking.
                FilePath.wait(for: POLLOUT, of: descriptor)
            } else if errno != EINTR {
                throw .cannotWrite(path: path, errno: errno)
            }
        }
    }
}

/// Standard output, with every line written at once and errors reported; `print` does neither into a pipe.
package enum StandardOutput {
    /// - Throws: `LocalFileError.cannotWrite`.
    package static func write(_ bytes: [UInt8]) throws(LocalFileError) {
        try ResultFile.write(bytes, to: STDOUT_FILENO, "standard output")
    }

    /// - Throws: `LocalFileError.cannotWrite`.
    package static func writeLine(_ text: String) throws(LocalFileError) {
        try write(Array((text + "\n").utf8))
    }
}

/// Standard error, for lines that are lost if they cannot be written: `FileHandle` would end the process instead.
package enum StandardError {
    package static func write(_ text: String) {
        try? ResultFile.write(Array(text.utf8), to: STDERR_FILENO, "standard error")
    }
}

/// A file that gets its name when it is complete.
private struct UnfinishedFile: ~Copyable {
    let descriptor: Int32
    private let folder: String
    private let path: String
    /// Its name on file systems without unnamed files, until it gets its own.
    private var temporary: String?

    /// - Parameters:
    ///   - folder: where the file will be.
    ///   - path: names the file in errors.
    ///   - isNamed: whether it has a temporary name in any case.
    /// - Throws: `LocalFileError.cannotCreate`.
    init(in folder: String, for path: String, isNamed: Bool) throws(LocalFileError) {
        // O_TMPFILE, a macro that Swift does not import.
        let flags = O_DIRECTORY | 0o20000000 | O_WRONLY | O_CLOEXEC
        let unnamed = isNamed ? -1 : open(folder, flags, 0o666)
        (self.folder, self.path) = (folder, path)
        // Only with this folder can an unnamed file get a name.
        if unnamed >= 0, access("/proc/self/fd/\(unnamed)", F_OK) == 0 {
            descriptor = unnamed
            return
        }
        if unnamed >= 0 { close(unnamed) }
        let name = Self.temporaryName(in: folder)
        TemporaryName.willCreate(name)
        let named = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard named >= 0 else {
            let code = errno
            TemporaryName.isGone()
            throw .cannotCreate(path: path, errno: code)
        }
        descriptor = named
        temporary = name
    }

    deinit {
        close(descriptor)
        if let temporary {
            unlink(temporary)
            TemporaryName.isGone()
        }
    }

    private static func temporaryName(in folder: String) -> String { FilePath.join(folder, ".uae-\(getpid()).tmp") }

    /// - Throws: `LocalFileError.cannotCreate`.
    mutating func publish(as target: String, replaces: Bool) throws(LocalFileError) -> ResultFile.Outcome {
        let source = temporary ?? "/proc/self/fd/\(descriptor)"
        if linkat(AT_FDCWD, source, AT_FDCWD, target, AT_SYMLINK_FOLLOW) == 0 { return .written }
        let code = errno
        // A file system without hard links can still rename.
        let canRename = temporary != nil && code != EEXIST
        guard code == EEXIST || canRename else { throw .cannotCreate(path: path, errno: code) }
        guard code != EEXIST || replaces else { return .exists }
        if temporary == nil {
            // A link does not replace, a rename does: the name exists between these two calls only.
            let name = Self.temporaryName(in: folder)
            TemporaryName.willCreate(name)
            temporary = name
            guard linkat(AT_FDCWD, source, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0 else {
                throw .cannotCreate(path: path, errno: errno)
            }
        }
        guard let name = temporary, rename(name, target) == 0 else { throw .cannotCreate(path: path, errno: errno) }
        temporary = nil
        TemporaryName.isGone()
        return .written
    }
}

/// The temporary name that a signal must not leave behind.
private enum TemporaryName {
    /// The bits of a pointer to a C string, or 0: an atomic pointer is not Sendable.
    private static let current = Atomic<UInt>(0)

    /// Removes the file and lets the signal end the process; installed once, where no one ignores the signal.
    private static let handlers: Void = {
        for number in [SIGINT, SIGTERM, SIGHUP] {
            let previous = signal(number) { number in
                if let name = UnsafePointer<CChar>(bitPattern: TemporaryName.current.load(ordering: .acquiring)) {
                    unlink(name)
                }
                signal(number, SIG_DFL)
                raise(number)
            }
            if let previous, unsafeBitCast(previous, to: Int.self) == 1 { signal(number, SIG_IGN) }
        }
    }()

    static func willCreate(_ name: String) {
        // Initialises the global before a handler may read it.
        _ = current.load(ordering: .relaxed)
        _ = handlers
        set(strdup(name))
    }

    static func isGone() {
        set(nil)
    }

    private static func set(_ name: UnsafeMutablePointer<CChar>?) {
        let previous = current.exchange(UInt(bitPattern: name), ordering: .acquiringAndReleasing)
        free(UnsafeMutablePointer<CChar>(bitPattern: previous))
    }
}
