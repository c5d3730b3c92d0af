// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The C library's allocator.
enum MemoryAllocator {
    /// Makes blocks of 4 MiB and more return to the system when they are freed.
    ///
    /// glibc maps such blocks one by one at first, but raises its limit to the largest block freed so far, 32 MiB at
    /// most. From then on bodies, tensors and decoded images stay in the arena of the thread that freed them: under
    /// large requests the resident memory grows to several times what is in use. A fixed limit costs large images a few
    /// page faults.
    static func returnLargeBlocks() {
        // Swift's Glibc module lacks `mallopt` and its constants. Other C libraries do not need the call.
        guard let symbol = dlsym(nil, "mallopt") else { return }
        typealias Option = @convention(c) (_ name: Int32, _ value: Int32) -> Int32
        let mmapThreshold: Int32 = -3
        _ = unsafeBitCast(symbol, to: Option.self)(mmapThreshold, 4 << 20)
    }
}
