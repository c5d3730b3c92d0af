// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// A pre-norm transformer block: `x += attention(norm x)`, then `x += mlp(norm x)`.
///
/// LayerScale, where a model has it, is already inside the two output projections.
struct TransformerBlock: Sendable {
    let firstNorm: LayerNorm
    /// Queries, keys and values as one product: `[width] -> [3 * width]`.
    let attentionInput: PackedLinear
    let attentionOutput: PackedLinear
    let secondNorm: LayerNorm
    let mlpInput: PackedLinear
    let mlpOutput: PackedLinear
    let activation: Epilogue
    let headCount: Int

    private var width: Int { attentionOutput.outputs }

    /// - `tokens`: `[rows, width]`, changed in place.
    /// - `workspace`: holds at least `workspaceCount` floats.
    func callAsFunction(
        _ tokens: UnsafeMutablePointer<Float>,
        rows: Int,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        workspace.scope {
            let normalized = workspace.take(rows * width)
            let wide = workspace.take(rows * max(3 * width, mlpInput.outputs))
            let scratch = workspace.take(
                Self.scratchCount(
                    rows: rows,
                    width: width,
                    mlpWidth: mlpInput.outputs,
                    headCount: headCount,
                    teamSize: team.size
                )
            )
            let headDimension = width / headCount

            firstNorm(tokens, rows: rows, into: normalized, team: team)
            attentionInput(normalized, rows: rows, into: wide, scratch: scratch, team: team)
            attention(
                qkv: wide,
                rows: rows,
                headCount: headCount,
                headDimension: headDimension,
                scale: 1 / Float(headDimension).squareRoot(),
                into: normalized,
                scratch: scratch,
                team: team
            )
            attentionOutput(normalized, rows: rows, into: tokens, epilogue: .accumulate, scratch: scratch, team: team)

            secondNorm(tokens, rows: rows, into: normalized, team: team)
            mlpInput(normalized, rows: rows, into: wide, epilogue: activation, scratch: scratch, team: team)
            mlpOutput(wide, rows: rows, into: tokens, epilogue: .accumulate, scratch: scratch, team: team)
        }
    }

    static func workspaceCount(_ sizes: TransformerConfiguration, rows: Int, teamSize: Int) -> Int {
        Workspace.span(rows * sizes.width)
            + Workspace.span(rows * max(3 * sizes.width, sizes.mlpWidth))
            + Workspace.span(
                scratchCount(
                    rows: rows,
                    width: sizes.width,
                    mlpWidth: sizes.mlpWidth,
                    headCount: sizes.headCount,
                    teamSize: teamSize
                )
            )
    }

    private static func scratchCount(rows: Int, width: Int, mlpWidth: Int, headCount: Int, teamSize: Int) -> Int {
        max(
            PackedLinear.scratchCount(rows: rows, inputs: max(width, mlpWidth), teamSize: teamSize),
            attentionScratchCount(rows: rows, headDimension: width / headCount, teamSize: teamSize)
        )
    }
}
