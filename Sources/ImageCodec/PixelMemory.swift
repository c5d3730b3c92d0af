// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Uninitialised memory for a decoded picture, with one owner.
///
/// Large pictures ask for huge pages: touching 36 MB for the first time costs 9000 page faults otherwise, a good part
/// of what decoding a 12-megapixel photo costs.
struct PixelMemory: ~Copyable {
    let base: UnsafeMutablePointer<UInt8>

    init(byteCount: Int) {
        let hugePage = 1 << 21
        let isLarge = byteCount >= 2 * hugePage
        let alignment = isLarge ? hugePage : 64
        let size = (max(byteCount, 1) + alignment - 1) & ~(alignment - 1)
        guard let memory = aligned_alloc(alignment, size) else { preconditionFailure("out of memory") }
        // Advice only: where it is not taken, small pages serve.
        if isLarge { madvise(memory, size, MADV_HUGEPAGE) }
        base = memory.bindMemory(to: UInt8.self, capacity: size)
    }

    deinit { free(base) }
}
