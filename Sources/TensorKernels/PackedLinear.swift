// SPDX-License-Identifier: Apache-2.0

import CKernels

/// How weights are kept in memory; sums are in single precision either way.
package enum WeightStorage: Sendable {
    case float32
    case float16
}

/// y = x · Wᵀ + b, over weights arranged once for the implementation that multiplies them.
///
/// - Shape: weights `[outputs, inputs]`, row-major as PyTorch stores them; x `[rows, inputs]`; y `[rows, outputs]`.
/// - Bits: a row of y depends on that row of x alone, not on the other rows, the team or the thread.
package final class PackedLinear: @unchecked Sendable {
    // Unchecked: the memory behind `bias` is written in `init` only.
    private enum Weights {
        case packed(PackedWeights)
        case plain(PlainWeights)
    }

    private let weights: Weights
    private let bias: UnsafeMutablePointer<Float>?
    private let kernels: KernelSet
    private let storage: WeightStorage

    package let outputs: Int
    package let inputs: Int

    /// Bytes of the weights in memory, and the bias.
    package var byteCount: Int {
        let count =
            switch weights {
            case .packed(let weights): weights.byteCount
            case .plain(let weights): weights.byteCount
            }
        return count + (bias == nil ? 0 : outputs * MemoryLayout<Float>.stride)
    }

    /// Whether OpenBLAS multiplies this layer.
    package var usesOpenBLAS: Bool {
        if case .plain = weights { true } else { false }
    }

    /// Arranges copies of `weight` (`[outputs, inputs]`) and `bias` (`[outputs]`).
    ///
    /// - Parameters:
    ///   - weight: `[outputs, inputs]`.
    ///   - bias: `[outputs]`, or nil for zeros.
    ///   - outputs: columns of y.
    ///   - inputs: columns of x.
    ///   - storage: `.float16` for the packed kernels only; ``MatrixProduct/openBLAS(_:)`` has no such weights.
    ///   - product: multiplies the layer, unless it is too small for OpenBLAS.
    ///   - kernels: the instruction set of the packed kernels and of the epilogues.
    package init(
        weight: UnsafePointer<Float>,
        bias: UnsafePointer<Float>?,
        outputs: Int,
        inputs: Int,
        storage: WeightStorage = .float32,
        product: MatrixProduct = .packed,
        kernels: KernelSet = .best
    ) {
        precondition(outputs > 0 && inputs > 0, "a linear layer has inputs and outputs")
        if case .openBLAS(let library) = product, PlainWeights.fits(outputs: outputs, inputs: inputs) {
            precondition(storage == .float32, "OpenBLAS multiplies float32 weights only")
            weights = .plain(PlainWeights(library, weight: weight, outputs: outputs, inputs: inputs))
        } else {
            weights = .packed(
                PackedWeights(
                    weight: weight,
                    outputs: outputs,
                    inputs: inputs,
                    isHalf: storage == .float16,
                    kernels: kernels
                )
            )
        }
        self.bias = bias.map { source in
            let copy = UnsafeMutablePointer<Float>.allocate(capacity: outputs)
            copy.initialize(from: source, count: outputs)
            return copy
        }
        self.kernels = kernels
        self.storage = storage
        self.outputs = outputs
        self.inputs = inputs
    }

    deinit {
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
    ///   - team: divides the work among its members.
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
            weight: nil,
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
        switch weights {
        case .packed(let weights):
            job.weight = UnsafeRawPointer(weights.pointer)
            kernels.table.pointee.linear(&job, team.team, team.size)
        case .plain(let weights):
            weights.multiply(job, team: team, kernels: kernels)
        }
    }

    /// The distance between rows of `width` floats that a product reads fastest.
    ///
    /// Rows a multiple of 2 KB apart share sets of the first-level cache, so the packed kernels copy them first. A
    /// buffer between two products avoids that copy when its rows are this far apart.
    package static func preferredStride(_ width: Int) -> Int { width.isMultiple(of: 512) ? width + 16 : width }

    /// Floats of scratch that a product of `rows` rows needs with a team of `teamSize`, under either implementation.
    ///
    /// The packed kernels leave most of it untouched, which takes no memory.
    package static func scratchCount(rows: Int, inputs: Int, teamSize: Int, kernels: KernelSet = .best) -> Int {
        max(
            kernels.table.pointee.linear_scratch(rows, inputs, teamSize),
            PlainWeights.scratchCount(rows: rows, inputs: inputs, teamSize: teamSize)
        )
    }
}
