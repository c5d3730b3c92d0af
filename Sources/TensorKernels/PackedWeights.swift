// SPDX-License-Identifier: Apache-2.0

import CKernels

/// A linear layer's weights in the panels of one kernel set.
final class PackedWeights: @unchecked Sendable {
    // Unchecked: the memory behind the pointer is written in `init` only.
    let pointer: UnsafeMutableRawPointer
    let byteCount: Int

    /// Packs a copy of `weight` (`[outputs, inputs]`).
    init(weight: UnsafePointer<Float>, outputs: Int, inputs: Int, isHalf: Bool, kernels: KernelSet) {
        byteCount = kernels.table.pointee.packed_bytes(outputs, inputs, isHalf)
        guard let memory = ck_allocate(byteCount) else { fatalError("no memory for \(byteCount) bytes of weights") }
        pointer = memory
        kernels.table.pointee.pack(weight, outputs, inputs, isHalf, pointer)
    }

    deinit {
        ck_free(pointer)
    }
}
