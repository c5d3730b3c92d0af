// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The bytes of a file, mapped read-only, or a copy of bytes in memory.
///
/// A file that another process truncates while it is mapped ends this process with SIGBUS, as with every mapping.
package final class FileBytes: Sendable {
    // Never written, and valid for the object's whole life.
    nonisolated(unsafe) private let bytes: UnsafeRawBufferPointer
    private let isMapped: Bool

    /// - Throws: `.cannotOpen`, `.notRegular`, `.empty`, `.cannotMap`.
    package init(path: String) throws(CheckpointFileError) {
        // Opening a named pipe would otherwise wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .cannotOpen(path: path, errno: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw .notRegular(path: path) }
        let length = Int(status.st_size)
        guard length > 0 else { throw .empty(path: path) }
        guard let address = mmap(nil, length, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
            throw .cannotMap(path: path, errno: errno)
        }
        bytes = UnsafeRawBufferPointer(start: address, count: length)
        isMapped = true
    }

    package init(copying source: UnsafeRawBufferPointer) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 16)
        copy.copyMemory(from: source)
        bytes = UnsafeRawBufferPointer(copy)
        isMapped = false
    }

    deinit {
        if isMapped {
            munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
        } else {
            bytes.deallocate()
        }
    }

    package var count: Int { bytes.count }

    /// The bytes; valid inside `body` only.
    package func withBytes<Value, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        // The compiler may otherwise end the object's life at its last use, which is before the body runs.
        defer { withExtendedLifetime(self) {} }
        return try body(bytes)
    }

    /// Tells the kernel that the pages of a range are not needed again soon; they stay readable.
    func releasePages(_ range: Range<Int>) {
        guard isMapped, let base = bytes.baseAddress, !range.isEmpty else { return }
        let start = range.lowerBound & ~(Self.pageSize - 1)
        madvise(UnsafeMutableRawPointer(mutating: base + start), range.upperBound - start, MADV_DONTNEED)
    }

    private static let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))
}

/// A part of a file that outlives the reader: a storage of a `.pt` or the data of one safetensors tensor.
package struct StoredBytes: Sendable {
    let file: FileBytes
    let range: Range<Int>

    package init(file: FileBytes, range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= file.count)
        self.file = file
        self.range = range
    }
}
