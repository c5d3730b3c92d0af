// SPDX-License-Identifier: Apache-2.0

import Glibc

/// One file to process.
package struct InputFile: Sendable, Equatable {
    /// The folder that was named and searched; nil: the file itself was named.
    let folder: String?
    /// The path below `folder`, or the path as it was named.
    let name: String

    /// Standard input, which is named `-`.
    static let standardInput = InputFile(folder: nil, name: "-")

    /// The path as the caller wrote it; the identifier of the file in results.
    package var path: String { folder.map { FilePath.join($0, name) } ?? name }

    /// Where the results of several inputs mirror it.
    var pathInTree: String { folder == nil ? FilePath.split(name).name : name }

    var isStandardInput: Bool { self == .standardInput }

    /// Reads the file to its end.
    ///
    /// - Parameter limit: the most bytes that a file may have: a device may have no end.
    /// - Returns: the content.
    /// - Throws: `LocalFileError.unreadable`, `.tooLarge`.
    package func bytes(limit: Int) throws(LocalFileError) -> [UInt8] {
        let descriptor = isStandardInput ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { throw .unreadable(path: path, errno: errno) }
        defer { if !isStandardInput { close(descriptor) } }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(path: path, errno: errno) }
        let expected = status.kind == .regular ? Int(status.st_size) : 0
        guard expected <= limit else { throw .tooLarge(path: path, limit: limit) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(expected + 1)
        var code: Int32 = 0
        while code == 0 {
            // One byte more than expected, so that the end shows without growing.
            let room = max(expected + 1 - bytes.count, 1 << 16)
            let chunk = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                let result = read(descriptor, buffer.baseAddress, room)
                if result < 0 { code = errno }
                count = max(result, 0)
            }
            if code == EINTR || code == EAGAIN {
                // A pipe that another process made non-blocking.
                if code == EAGAIN { FilePath.wait(for: POLLIN, of: descriptor) }
                code = 0
                continue
            }
            if chunk.isEmpty { break }
            bytes += chunk
            guard bytes.count <= limit else { throw .tooLarge(path: path, limit: limit) }
        }
        guard code == 0 else { throw .unreadable(path: path, errno: code) }
        return bytes
    }
}
