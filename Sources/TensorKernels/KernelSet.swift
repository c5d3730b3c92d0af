// SPDX-License-Identifier: Apache-2.0

import CKernels

/// The kernels of one instruction set.
///
/// Results differ between sets in the last bits; within one set they do not depend on rows, teams or threads.
package struct KernelSet: @unchecked Sendable, CustomStringConvertible {
    // Unchecked: it points to a constant table in the program's text.
    let table: UnsafePointer<ck_kernels>

    /// The sets that this machine can run, fastest first.
    package static let available: [KernelSet] = {
        var sets: [KernelSet] = []
        while let table = ck_kernels_available(sets.count) {
            sets.append(KernelSet(table: table))
        }
        return sets
    }()

    /// The fastest set; there is always the architecture's baseline.
    package static let best = available[0]

    /// `avx512`, `avx2`, `sse2` or `neon`.
    package var name: String { String(cString: table.pointee.name) }

    package var description: String { name }

    /// Floats in a vector.
    package var lanes: Int { table.pointee.lanes }

    /// Multiply-adds done in registers alone, for benchmarks that want the core's limit.
    ///
    /// - Returns: how many multiply-adds `rounds` rounds made.
    package func multiplyAddsInRegisters(rounds: Int) -> Double { table.pointee.fma_limit(rounds) }
}
