// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Scratch memory of a fixed size, allocated once so that a request allocates nothing.
final class Workspace: @unchecked Sendable {
    // Sendable because one context at a time uses it.
    let base: UnsafeMutablePointer<Float>
    /// Floats.
    let capacity: Int

    /// Returns nil without memory.
    init?(capacity: Int) {
        var memory: UnsafeMutableRawPointer?
        // Not `allocate`, which ends the process without memory.
        guard posix_memalign(&memory, 64, max(capacity, 1) * MemoryLayout<Float>.stride) == 0, let memory else {
            return nil
        }
        base = memory.bindMemory(to: Float.self, capacity: max(capacity, 1))
        self.capacity = capacity
    }

    deinit {
        free(base)
    }
}

/// Memory handed out from the front, in whole cache lines, so that no two buffers share one.
struct Scratch {
    private let base: UnsafeMutablePointer<Float>
    private let capacity: Int
    private(set) var used = 0

    init(base: UnsafeMutablePointer<Float>, capacity: Int) {
        self.base = base
        self.capacity = capacity
    }

    /// Addresses at which nothing is ever mapped, so that an access crashes; a measuring context hands them out.
    ///
    /// User space ends below bit 54 on x86-64 with four-level page tables and on AArch64, and Linux maps nothing above
    /// bit 47 unless asked to.
    static var unmapped: Scratch {
        guard let base = UnsafeMutablePointer<Float>(bitPattern: UInt(1) << 54) else {
            preconditionFailure("the address is not zero")
        }
        return Scratch(base: base, capacity: .max)
    }

    /// Uninitialised floats.
    mutating func take(_ count: Int) -> UnsafeMutablePointer<Float> {
        let end = used + (count + 15) / 16 * 16
        precondition(end <= capacity, "a workspace of \(capacity) floats is too small for \(end)")
        defer { used = end }
        return base + used
    }

    /// Gives back what was taken since `used` had this value.
    mutating func giveBack(to mark: Int) {
        used = mark
    }
}
