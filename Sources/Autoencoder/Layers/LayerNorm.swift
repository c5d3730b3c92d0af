// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// Standardises each row of a token map, with or without a learned affine map.
struct LayerNorm: Sendable {
    let weight: ConstantVector?
    let bias: ConstantVector?
    let width: Int
    let epsilon: Float

    /// - `input`: `[rows, width]`.
    /// - `output`: `[rows, width]`, not overlapping the input.
    func callAsFunction(
        _ input: UnsafePointer<Float>,
        rows: Int,
        into output: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        context.compute {
            layerNorm(
                input,
                rows: rows,
                width: width,
                weight: weight?.pointer,
                bias: bias?.pointer,
                epsilon: epsilon,
                into: output,
                team: context.team
            )
        }
    }
}
