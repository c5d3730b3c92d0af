// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Uninitialised memory for a decoded image, with one owner.
///
/// Large images request huge pages: without them the first access to 36 MB costs 9000 page faults, a large part of the
/// time to decode a 12-megapixel photo.
struct PixelMemory: ~Copyable {
    let base: UnsafeMutablePointer<UInt8>

    /// Memory whose size depends on the caller's image; refused if there is none.
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

    /// Whether there is memory now, for allocations that cannot be refused one by one.
    static func isAvailable(_ byteCount: Int) -> Bool {
        guard let memory = allocate(byteCount) else { return false }
        free(memory)
        return true
    }

    private static func allocate(_ byteCount: Int) -> UnsafeMutablePointer<UInt8>? {
        let hugePage = 1 << 21
        let isLarge = byteCount >= 2 * hugePage
        let alignment = isLarge ? hugePage : 64
        let size = (max(byteCount, 1) + alignment - 1) & ~(alignment - 1)
        guard let memory = aligned_alloc(alignment, size) else { return nil }
        // Only advice: small pages work too.
        if isLarge { madvise(memory, size, MADV_HUGEPAGE) }
        return memory.bindMemory(to: UInt8.self, capacity: size)
    }

    deinit { free(base) }
}
