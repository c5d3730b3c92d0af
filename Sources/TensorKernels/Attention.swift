// SPDX-License-Identifier: Apache-2.0

import CKernels

/// softmax(scale · q kᵀ) v for each head, always by the packed kernels (see ``MatrixProduct``).
///
/// - Parameters:
///   - qkv: `[rows, 3 * headCount * headDimension]`: q, then k, then v, each with its heads side by side.
///   - rows: tokens.
///   - headCount: heads.
///   - headDimension: floats of a head.
///   - scale: usually 1/√headDimension.
///   - out: `[rows, headCount * headDimension]`.
///   - scratch: at least ``attentionScratchCount(rows:headDimension:teamSize:kernels:)`` floats.
///   - team: computes the heads, or parts of a head's queries where there are few heads.
///   - kernels: the instruction set.
package func attention(
    qkv: UnsafePointer<Float>,
    rows: Int,
    headCount: Int,
    headDimension: Int,
    scale: Float,
    into out: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>,
    team: ComputeTeam,
    kernels: KernelSet = .best
) {
    var job = ck_attention(
        qkv: qkv,
        out: out,
        scratch: scratch,
        rows: rows,
        heads: headCount,
        dimension: headDimension,
        scale: scale
    )
    kernels.table.pointee.attention(&job, team.team, team.size)
}

/// Floats of scratch that ``attention(qkv:rows:headCount:headDimension:scale:into:scratch:team:kernels:)`` needs.
package func attentionScratchCount(rows: Int, headDimension: Int, teamSize: Int, kernels: KernelSet = .best) -> Int {
    kernels.table.pointee.attention_scratch(rows, headDimension, teamSize)
}
