// SPDX-License-Identifier: Apache-2.0

import CKernels

/// The kernels of one instruction set.
///
/// Results of two sets differ in the last bits. Within one set they do not depend on other rows, teams or threads.
package struct KernelSet: @unchecked Sendable, CustomStringConvertible {
    // Unchecked: it points to a constant table of the program.
    let table: UnsafePointer<ck_kernels>

    /// The sets that this processor can run, fastest first.
    package static let available: [KernelSet] = {
        var sets: [KernelSet] = []
        while let table = ck_kernels_available(sets.count) {
            sets.append(KernelSet(table: table))
        }
        return sets
    }()

    /// The fastest set; the architecture's baseline is always available.
    package static let best = available[0]

    /// `avx512`, `avx2`, `sse2` or `neon`.
    package var name: String { String(cString: table.pointee.name) }

    package var description: String { name }

    /// Whether the set has fused multiply-add instructions: all but the baseline of x86-64 (`sse2`) do.
    ///
    /// Without them OpenBLAS is the default product.
    package var hasFusedMultiplyAdd: Bool { table.pointee.fused }

    /// Floats in a vector.
    package var lanes: Int { table.pointee.lanes }

    /// Multiply-adds on registers only: the core's limit, for benchmarks.
    ///
    /// - Returns: how many multiply-adds `rounds` rounds made.
    package func multiplyAddsInRegisters(rounds: Int) -> Double { table.pointee.fma_limit(rounds) }
}
