// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Why a file cannot be written.
package enum OutputFileError: Error, Equatable {
    case cannotCreate(path: String, errno: Int32)
    case cannotWrite(path: String, errno: Int32)
}

/// A file that is written from front to back; what fails shows at the latest when it is closed.
package final class OutputFile {
    private let path: String
    private var stream: UnsafeMutablePointer<FILE>?

    /// - Throws: `.cannotCreate`.
    package init(_ path: String) throws(OutputFileError) {
        guard let stream = fopen(path, "wb") else { throw .cannotCreate(path: path, errno: errno) }
        self.path = path
        self.stream = stream
    }

    deinit {
        if let stream { fclose(stream) }
    }

    /// - Throws: `.cannotWrite`.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(OutputFileError) {
        guard let stream, let start = bytes.baseAddress else { return }
        guard fwrite(start, 1, bytes.count, stream) == bytes.count else {
            throw .cannotWrite(path: path, errno: errno)
        }
    }

    /// - Throws: `.cannotWrite`.
    package func write<Element: BitwiseCopyable>(_ values: [Element]) throws(OutputFileError) {
        let result = values.withUnsafeBytes { bytes -> Result<Void, OutputFileError> in
            do throws(OutputFileError) {
                return .success(try write(bytes))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    /// Ends the file; a full disk may only show here.
    ///
    /// - Throws: `.cannotWrite`.
    package func close() throws(OutputFileError) {
        guard let stream else { return }
        self.stream = nil
        guard fclose(stream) == 0 else { throw .cannotWrite(path: path, errno: errno) }
    }
}
