// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The C library's allocator.
enum MemoryAllocator {
    /// Makes blocks of 4 MiB and more return to the system when they are freed.
    ///
    /// glibc maps such blocks one by one at first, but raises its limit to the largest block freed so far, 32 MiB at
    /// most. From then on bodies, tensors and decoded images stay in the arena of the thread that freed them: under
    /// large requests the resident memory grows to several times what is in use.
    static func returnLargeBlocks() {
        // Swift's Glibc module lacks `mallopt` and its constants. Other C libraries do not need the call.
        guard let symbol = dlsym(nil, "mallopt") else { return }
        typealias Option = @convention(c) (_ name: Int32, _ value: Int32) -> Int32
        let set = unsafeBitCast(symbol, to: Option.self)
        let (mmapThreshold, trimThreshold): (Int32, Int32) = (-3, -1)
        _ = set(mmapThreshold, 4 << 20)
        // What an arena keeps at its end. A fixed limit above ends its growth too, and it begins at 128 KiB: each request
        // would give its memory back and fault it in again.
        _ = set(trimThreshold, 8 << 20)
    }
}
