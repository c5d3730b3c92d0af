// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Uninitialised memory for a decoded picture, with one owner.
///
/// Large pictures ask for huge pages: touching 36 MB for the first time costs 9000 page faults otherwise, a good part
/// of what decoding a 12-megapixel photo costs.
struct PixelMemory: ~Copyable {
    let base: UnsafeMutablePointer<UInt8>

    /// For what a picture of the caller's size takes: refuses where there is no such memory.
    ///
    /// - Throws: `ImageDecodeError.outOfMemory`.
    init(checking byteCount: Int) throws(ImageDecodeError) {
        guard let base = Self.allocate(byteCount) else { throw .outOfMemory(byteCount: byteCount) }
        self.base = base
    }

    init(byteCount: Int) {
        guard let base = Self.allocate(byteCount) else { preconditionFailure("out of memory") }
        self.base = base
    }

    private static func allocate(_ byteCount: Int) -> UnsafeMutablePointer<UInt8>? {
        let hugePage = 1 << 21
        let isLarge = byteCount >= 2 * hugePage
        let alignment = isLarge ? hugePage : 64
        let size = (max(byteCount, 1) + alignment - 1) & ~(alignment - 1)
        guard let memory = aligned_alloc(alignment, size) else { return nil }
        // Advice only: where it is not taken, small pages serve.
        if isLarge { madvise(memory, size, MADV_HUGEPAGE) }
        return memory.bindMemory(to: UInt8.self, capacity: size)
    }

    deinit { free(base) }
}
