// SPDX-License-Identifier: Apache-2.0

import Checksums
import Glibc
import Synchronization

/// Why a tensor file cannot be used; always names the file or the tensor.
package enum TensorFileError: Error, Equatable {
    case cannotOpen(path: String, errno: Int32)
    case notRegular(path: String)
    case cannotMap(path: String, errno: Int32)
    case malformed(path: String, SafetensorsError)
    case missingTensor(path: String, name: String)
    case wrongShape(path: String, name: String, expected: [Int], found: [Int])
    case wrongDType(path: String, name: String, expected: [String], found: String)
}

/// A safetensors file, mapped read-only and never copied as a whole.
package final class SafetensorsFile: Sendable {
    package let path: String
    package let index: SafetensorsIndex
    // Read-only for the object's whole life, so that sharing it is safe.
    nonisolated(unsafe) private let mapping: UnsafeRawBufferPointer
    private let digest = Mutex<String?>(nil)

    /// - Throws: `TensorFileError`.
    package init(path: String) throws(TensorFileError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .cannotOpen(path: path, errno: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw .notRegular(path: path) }
        let length = Int(status.st_size)
        guard length >= 8 else { throw .malformed(path: path, .tooShort(bytes: length)) }
        guard let address = mmap(nil, length, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
            throw .cannotMap(path: path, errno: errno)
        }
        let bytes = UnsafeRawBufferPointer(start: address, count: length)
        do {
            index = try SafetensorsIndex(bytes)
        } catch {
            munmap(address, length)
            throw .malformed(path: path, error)
        }
        self.path = path
        mapping = bytes
    }

    deinit {
        munmap(UnsafeMutableRawPointer(mutating: mapping.baseAddress), mapping.count)
    }

    package func contains(_ name: String) -> Bool { index.entries[name] != nil }

    package func shape(of name: String) -> [Int]? { index.entries[name]?.shape }

    /// The bytes of one tensor; valid inside `body` only.
    package func withBytes<Value, Failure: Error>(
        of entry: TensorEntry,
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let start = index.dataStart + entry.byteRange.lowerBound
        return try body(UnsafeRawBufferPointer(rebasing: mapping[start..<start + entry.byteRange.count]))
    }

    /// A tensor that the model needs.
    ///
    /// - Parameters:
    /// - Returns: its values, row-major.
    /// - Throws: `.missingTensor`, `.wrongShape`, `.wrongDType`.
    package func floats(_ name: String, shape: [Int]) throws(TensorFileError) -> [Float] {
        guard let entry = index.entries[name] else { throw .missingTensor(path: path, name: name) }
        guard entry.shape == shape else {
            throw .wrongShape(path: path, name: name, expected: shape, found: entry.shape)
        }
        guard let dtype = entry.dtype, [.float32, .float16, .bfloat16].contains(dtype) else {
            throw .wrongDType(path: path, name: name, expected: ["F32", "F16", "BF16"], found: entry.dtypeCode)
        }
        return withBytes(of: entry) { TensorFiles.floats(from: $0, dtype: dtype) }
    }

    /// SHA-256 of the whole file, in hexadecimal; computed once, when first asked for.
    package var sha256: String {
        digest.withLock { digest in
            if let digest { return digest }
            // Pages are released after use; otherwise gigabytes of mapped weights would stay resident beside their
            // packed copy. The mapping begins on a page and pieces are megabytes, so they begin on pages too.
            let computed = sha256Hexadecimal(of: mapping) { piece in
                madvise(UnsafeMutableRawPointer(mutating: piece.baseAddress), piece.count, MADV_DONTNEED)
            }
            digest = computed
            return computed
        }
    }
}
