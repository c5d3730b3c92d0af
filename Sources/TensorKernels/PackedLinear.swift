// SPDX-License-Identifier: Apache-2.0

import CKernels

/// How packed weights lie in memory; sums are single precision either way.
package enum WeightStorage: Sendable {
    case float32
    case float16
}

/// y = x · Wᵀ + b over weights packed once for the kernel.
///
/// - Shape: weights `[outputs, inputs]`, row-major as PyTorch stores them; x `[rows, inputs]`; y `[rows, outputs]`.
/// - Bits: a row of y depends on that row of x alone, whatever the rows beside it, the team or the thread.
package final class PackedLinear: @unchecked Sendable {
    // Unchecked: what the pointers lead to is written in `init` and never again.
    private let weight: UnsafeMutableRawPointer
    private let bias: UnsafeMutablePointer<Float>?
    private let kernels: KernelSet
    private let storage: WeightStorage

    package let outputs: Int
    package let inputs: Int

    /// Bytes of the packed weights and the bias.
    package let byteCount: Int

    /// Packs copies of `weight` (`[outputs, inputs]`) and `bias` (`[outputs]`).
    package init(
        weight: UnsafePointer<Float>,
        bias: UnsafePointer<Float>?,
        outputs: Int,
        inputs: Int,
        storage: WeightStorage = .float32,
        kernels: KernelSet = .best
    ) {
        precondition(outputs > 0 && inputs > 0, "a linear layer has inputs and outputs")
        let half = storage == .float16
        let bytes = kernels.table.pointee.packed_bytes(outputs, inputs, half)
        guard let memory = ck_allocate(bytes) else { fatalError("no memory for \(bytes) bytes of weights") }
        self.weight = memory
        kernels.table.pointee.pack(weight, outputs, inputs, half, self.weight)
        self.bias = bias.map { source in
            let copy = UnsafeMutablePointer<Float>.allocate(capacity: outputs)
            copy.initialize(from: source, count: outputs)
            return copy
        }
        self.kernels = kernels
        self.storage = storage
        self.outputs = outputs
        self.inputs = inputs
        self.byteCount = bytes + (bias == nil ? 0 : outputs * MemoryLayout<Float>.stride)
    }

    deinit {
        ck_free(weight)
        bias?.deallocate()
    }

    /// Multiplies `rows` rows.
    ///
    /// - Parameters:
    ///   - x: `[rows, inputs]`, rows `inputStride` floats apart (nil: `inputs`).
    ///   - rows: how many; none is fine.
    ///   - inputStride: floats from a row of `x` to the next.
    ///   - out: `[rows, outputs]`, rows `outputStride` floats apart (nil: `outputs`); must not overlap `x`.
    ///   - outputStride: floats from a row of `out` to the next.
    ///   - epilogue: applied to the result; `.accumulate` adds it to `out`.
    ///   - scratch: at least ``scratchCount(rows:inputs:teamSize:kernels:)`` floats.
    ///   - team: shares the work out.
    package func callAsFunction(
        _ x: UnsafePointer<Float>,
        rows: Int,
        inputStride: Int? = nil,
        into out: UnsafeMutablePointer<Float>,
        outputStride: Int? = nil,
        epilogue: Epilogue = .none,
        scratch: UnsafeMutablePointer<Float>,
        team: ComputeTeam
    ) {
        var job = ck_linear(
            x: x,
            weight: weight,
            bias: bias,
            out: out,
            scratch: scratch,
            rows: rows,
            inputs: inputs,
            outputs: outputs,
            x_stride: inputStride ?? inputs,
            out_stride: outputStride ?? outputs,
            epilogue: epilogue.code,
            half_weights: storage == .float16
        )
        kernels.table.pointee.linear(&job, team.team, team.size)
    }

    /// The distance between rows of `width` floats that a product reads fastest.
    ///
    /// Rows a multiple of 2 KB apart meet in the same sets of the first-level cache; a product given such rows copies
    /// them first. A buffer between two products does without the copy when its rows are this far apart.
    package static func preferredStride(_ width: Int) -> Int { width.isMultiple(of: 512) ? width + 16 : width }

    /// Floats of scratch that a product of `rows` rows needs with a team of `teamSize`.
    package static func scratchCount(rows: Int, inputs: Int, teamSize: Int, kernels: KernelSet = .best) -> Int {
        kernels.table.pointee.linear_scratch(rows, inputs, teamSize)
    }
}
