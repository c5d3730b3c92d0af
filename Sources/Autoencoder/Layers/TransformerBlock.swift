// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// A pre-norm transformer block: `x += attention(norm x)`, then `x += mlp(norm x)`.
///
/// LayerScale, where a model has it, is already inside the two output projections.
struct TransformerBlock: Sendable {
    let firstNorm: LayerNorm
    /// Queries, keys and values as one product: `[width] -> [3 * width]`.
    let attentionInput: Linear
    let attentionOutput: Linear
    let secondNorm: LayerNorm
    let mlpInput: Linear
    let mlpOutput: Linear
    let activation: Epilogue
    let headCount: Int

    private var width: Int { attentionOutput.outputs }

    /// - `tokens`: `[images, rows, width]`, changed in place.
    func callAsFunction(
        _ tokens: UnsafeMutablePointer<Float>,
        images: Int,
        rows: Int,
        in context: ComputeContext
    ) {
        context.scope {
            let all = images * rows
            let normalized = context.take(all * width)
            let wide = context.take(all * max(3 * width, mlpInput.outputs))

            firstNorm(tokens, rows: all, into: normalized, in: context)
            attentionInput(normalized, rows: all, into: wide, in: context)
            attend(wide, images: images, rows: rows, into: normalized, in: context)
            attentionOutput(normalized, rows: all, into: tokens, epilogue: .accumulate, in: context)

            secondNorm(tokens, rows: all, into: normalized, in: context)
            mlpInput(normalized, rows: all, into: wide, epilogue: activation, in: context)
            mlpOutput(wide, rows: all, into: tokens, epilogue: .accumulate, in: context)
        }
    }

    /// Attention within each image.
    ///
    /// - `qkv`: `[images, rows, 3 * width]`.
    /// - `out`: `[images, rows, width]`.
    private func attend(
        _ qkv: UnsafePointer<Float>,
        images: Int,
        rows: Int,
        into out: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        let headDimension = width / headCount
        context.scope {
            let scratch = context.take(
                attentionScratchCount(rows: rows, headDimension: headDimension, teamSize: context.team.size)
            )
            // Scores and their weighted sums: two products of rows x rows x width each.
            context.count(operations: 4 * Double(images) * Double(rows) * Double(rows) * Double(width))
            context.compute {
                for image in 0..<images {
                    attention(
                        qkv: qkv + image * rows * 3 * width,
                        rows: rows,
                        headCount: headCount,
                        headDimension: headDimension,
                        scale: 1 / Float(headDimension).squareRoot(),
                        into: out + image * rows * width,
                        scratch: scratch,
                        team: context.team
                    )
                }
            }
        }
    }
}
