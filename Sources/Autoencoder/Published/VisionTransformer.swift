// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// A published vision transformer as encoder: DINOv2 with registers, CLIP, SigLIP2 or ViT-MAE.
struct VisionTransformer: Sendable {
    let sizes: VisionTransformerConfiguration
    let inputSide: Int
    /// `[rows, width]`: class and register tokens in front, position embeddings added; patches are added to the rest.
    let initialTokens: ConstantVector
    let patchEmbedding: PackedLinear
    /// CLIP's norm before the blocks.
    let preNorm: LayerNorm?
    let blocks: [TransformerBlock]
    /// The norm without weights after the blocks, which CLIP lacks.
    let finalNorm: LayerNorm?

    private var width: Int { sizes.blocks.width }
    private var gridSide: Int { inputSide / sizes.patchSide }
    private var patchCount: Int { gridSide * gridSide }
    private var rows: Int { initialTokens.count / width }
    private var leadingRows: Int { rows - patchCount }
    private var patchInputs: Int { 3 * sizes.patchSide * sizes.patchSide }

    /// - `input`: `[3, inputSide, inputSide]`.
    /// - `latent`: `[width, gridSide, gridSide]`.
    func callAsFunction(
        _ input: UnsafePointer<Float>,
        into latent: UnsafeMutablePointer<Float>,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        workspace.scope {
            let tokens = workspace.take(rows * width)
            let normalized = workspace.take(rows * width)
            tokens.update(from: initialTokens.pointer, count: rows * width)
            workspace.scope {
                let patches = workspace.take(patchCount * patchInputs)
                let scratch = workspace.take(patchScratchCount(teamSize: team.size))
                gatherPatches(
                    input,
                    layout: .channelsFirst,
                    channels: 3,
                    height: inputSide,
                    width: inputSide,
                    kernel: sizes.patchSide,
                    stride: sizes.patchSide,
                    padTop: 0,
                    padLeft: 0,
                    outHeight: gridSide,
                    outWidth: gridSide,
                    into: patches,
                    team: team
                )
                patchEmbedding(
                    patches,
                    rows: patchCount,
                    into: tokens + leadingRows * width,
                    epilogue: .accumulate,
                    scratch: scratch,
                    team: team
                )
            }
            var current = tokens
            if let preNorm {
                preNorm(tokens, rows: rows, into: normalized, team: team)
                current = normalized
            }
            for block in blocks {
                block(current, rows: rows, workspace: workspace, team: team)
            }
            var patches = current + leadingRows * width
            if let finalNorm {
                let target = current == tokens ? normalized : tokens
                finalNorm(patches, rows: patchCount, into: target, team: team)
                patches = target
            }
            transpose(patches, rows: patchCount, columns: width, into: latent)
        }
    }

    func workspaceCount(teamSize: Int) -> Int {
        let patches =
            Workspace.span(patchCount * patchInputs)
            + Workspace.span(patchScratchCount(teamSize: teamSize))
        let block = TransformerBlock.workspaceCount(sizes.blocks, rows: rows, teamSize: teamSize)
        return 2 * Workspace.span(rows * width) + max(patches, block)
    }

    /// Multiplications and additions for one picture.
    var floatingPointOperations: Double {
        2 * Double(patchCount * patchInputs * width) + sizes.blocks.floatingPointOperations(rows: rows)
    }

    private func patchScratchCount(teamSize: Int) -> Int {
        PackedLinear.scratchCount(rows: patchCount, inputs: patchInputs, teamSize: teamSize)
    }
}

extension TransformerConfiguration {
    /// Multiplications and additions of all blocks for `rows` tokens.
    func floatingPointOperations(rows: Int) -> Double {
        let (rows, width, mlp) = (Double(rows), Double(width), Double(mlpWidth))
        return Double(depth) * (2 * rows * width * (4 * width + 2 * mlp) + 4 * rows * rows * width)
    }
}
