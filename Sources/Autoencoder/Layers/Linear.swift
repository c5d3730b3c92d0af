// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// y = x · Wᵀ + b for rows of x.
///
/// A row of y depends on that row of x alone, so a batch may be folded into rows.
struct Linear: Sendable {
    private let weights: PackedLinear

    var inputs: Int { weights.inputs }
    var outputs: Int { weights.outputs }

    /// - `weight`: `[outputs, inputs]`.
    /// - `bias`: `[outputs]`.
    init(
        weight: UnsafePointer<Float>,
        bias: UnsafePointer<Float>?,
        outputs: Int,
        inputs: Int,
        storage: WeightStorage = .float32,
        product: MatrixProduct = .packed
    ) {
        weights = PackedLinear(
            weight: weight,
            bias: bias,
            outputs: outputs,
            inputs: inputs,
            storage: storage,
            product: product
        )
    }

    /// - `x`: `[rows, inputs]`.
    /// - `out`: `[rows, outputs]`; must not overlap `x`.
    func callAsFunction(
        _ x: UnsafePointer<Float>,
        rows: Int,
        into out: UnsafeMutablePointer<Float>,
        epilogue: Epilogue = .none,
        in context: ComputeContext
    ) {
        context.scope {
            let scratch = context.take(scratchCount(rows: rows, teamSize: context.team.size))
            context.count(operations: operations(rows: rows))
            context.compute {
                weights(x, rows: rows, into: out, epilogue: epilogue, scratch: scratch, team: context.team)
            }
        }
    }

    // MARK: On one member of a team

    /// What ``compute(_:rows:inputStride:into:outputStride:epilogue:scratch:)`` needs for up to `rows` rows.
    func scratch(rows: Int, from own: inout Scratch) -> UnsafeMutablePointer<Float> {
        own.take(scratchCount(rows: rows, teamSize: 1))
    }

    /// Multiplies rows on the calling thread alone; the caller counts their operations.
    ///
    /// - `inputStride`: floats from a row of `x` to the next; nil for `inputs`.
    /// - `outputStride`: floats from a row of `out` to the next; nil for `outputs`.
    func compute(
        _ x: UnsafePointer<Float>,
        rows: Int,
        inputStride: Int? = nil,
        into out: UnsafeMutablePointer<Float>,
        outputStride: Int? = nil,
        epilogue: Epilogue = .none,
        scratch: UnsafeMutablePointer<Float>
    ) {
        weights(
            x,
            rows: rows,
            inputStride: inputStride,
            into: out,
            outputStride: outputStride,
            epilogue: epilogue,
            scratch: scratch,
            team: .solo
        )
    }

    /// Multiplications and additions for `rows` rows.
    func operations(rows: Int) -> Double {
        2 * Double(rows) * Double(inputs) * Double(outputs)
    }

    private func scratchCount(rows: Int, teamSize: Int) -> Int {
        PackedLinear.scratchCount(rows: rows, inputs: inputs, teamSize: teamSize)
    }
}
