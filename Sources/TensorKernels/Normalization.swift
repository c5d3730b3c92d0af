// SPDX-License-Identifier: Apache-2.0

import CKernels

/// LayerNorm of each row: (x - mean)/√(variance + epsilon), times `weight`, plus `bias`.
///
/// - Parameters:
///   - x: `[rows, width]`.
///   - rows: number of rows.
///   - width: floats of a row; the variance is divided by `width`, not by `width - 1`.
///   - weight: `[width]`, or nil for ones.
///   - bias: `[width]`, or nil for zeros.
///   - epsilon: added to the variance.
///   - out: `[rows, width]`; may be `x`.
///   - team: divides the rows among its members.
///   - kernels: the instruction set.
package func layerNorm(
    _ x: UnsafePointer<Float>,
    rows: Int,
    width: Int,
    weight: UnsafePointer<Float>?,
    bias: UnsafePointer<Float>?,
    epsilon: Float,
    into out: UnsafeMutablePointer<Float>,
    team: ComputeTeam,
    kernels: KernelSet = .best
) {
    var job = ck_layer_norm(
        x: x,
        weight: weight,
        bias: bias,
        out: out,
        rows: rows,
        width: width,
        epsilon: epsilon
    )
    kernels.table.pointee.layer_norm(&job, team.team, team.size)
}

/// Softmax of each row in place.
///
/// - Parameters:
///   - x: `[rows, columns]`.
///   - rows: number of rows.
///   - columns: floats of a row.
///   - kernels: the instruction set.
package func softmax(_ x: UnsafeMutablePointer<Float>, rows: Int, columns: Int, kernels: KernelSet = .best) {
    kernels.table.pointee.softmax(x, rows, columns)
}
