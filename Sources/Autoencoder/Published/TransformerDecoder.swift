// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// The published decoder up to its pixel head: latent tokens in, one vector of pixels a token out.
struct TransformerDecoder: Sendable {
    let channels: Int
    /// Side of the latent's grid.
    let latentSide: Int
    let sizes: TransformerDecoderConfiguration
    /// Side in pixels of the square that a token becomes.
    let patchSide: Int
    let scale: ImageScale
    let embedding: PackedLinear
    /// `[width]`: the class token with its position added.
    let classToken: ConstantVector
    /// `[gridSide * gridSide, width]`.
    let positions: ConstantVector
    let blocks: [TransformerBlock]
    let norm: LayerNorm
    let pixelHead: PackedLinear
    /// Brings embedded tokens to the decoder's grid where the latent's is another.
    let gridResampling: AxisResampling?

    private var width: Int { sizes.blocks.width }

    /// Side of the token grid that comes out for a latent of `side`.
    func outputGridSide(side: Int) -> Int {
        side == latentSide ? sizes.gridSide : side
    }

    /// Decodes a latent `[channels, side, side]` and lends the image to `body`.
    ///
    /// - `side`: the latent's side, or less for the authors' compact decode.
    func callAsFunction(
        _ latent: UnsafePointer<Float>,
        side: Int,
        workspace: Workspace,
        team: ComputeTeam,
        _ body: (DecodedImages) -> Void
    ) {
        workspace.scope {
            let grid = outputGridSide(side: side)
            let tokens = workspace.take(side * side * channels)
            let pixels = workspace.take(grid * grid * pixelHead.outputs)
            transpose(latent, rows: channels, columns: side * side, into: tokens)
            run(tokens, side: side, into: pixels, workspace: workspace, team: team)
            body(DecodedImages(values: pixels, gridSide: grid, patchSide: patchSide, scale: scale))
        }
    }

    /// - `tokens`: `[side * side, channels]`.
    /// - `pixels`: `[outputGridSide², patchSide², 3]`, one vector a token in the order row, column, colour.
    private func run(
        _ tokens: UnsafePointer<Float>,
        side: Int,
        into pixels: UnsafeMutablePointer<Float>,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        let outputTokens = outputGridSide(side: side) * outputGridSide(side: side)
        let rows = outputTokens + 1
        workspace.scope {
            let current = workspace.take(rows * width)
            let normalized = workspace.take(rows * width)
            current.update(from: classToken.pointer, count: width)
            embed(tokens, side: side, into: current + width, workspace: workspace, team: team)
            for block in blocks {
                block(current, rows: rows, workspace: workspace, team: team)
            }
            // The class token has done its work in the attention; only the patches become pixels.
            norm(current + width, rows: outputTokens, into: normalized, team: team)
            workspace.scope {
                let scratch = workspace.take(
                    PackedLinear.scratchCount(rows: outputTokens, inputs: width, teamSize: team.size)
                )
                pixelHead(normalized, rows: outputTokens, into: pixels, scratch: scratch, team: team)
            }
        }
    }

    /// Embedded tokens plus positions.
    private func embed(
        _ tokens: UnsafePointer<Float>,
        side: Int,
        into target: UnsafeMutablePointer<Float>,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        workspace.scope {
            let count = side * side
            let scratch = workspace.take(PackedLinear.scratchCount(rows: count, inputs: channels, teamSize: team.size))
            let stored = sizes.gridSide * sizes.gridSide
            guard side == latentSide else {
                // The reference shortens the table along its flat token axis, not on the grid.
                AxisResampling.bicubic(from: stored, to: count)
                    .resampleRows(positions.pointer, width: width, into: target)
                embedding(tokens, rows: count, into: target, epilogue: .accumulate, scratch: scratch, team: team)
                return
            }
            guard let gridResampling else {
                target.update(from: positions.pointer, count: stored * width)
                embedding(tokens, rows: count, into: target, epilogue: .accumulate, scratch: scratch, team: team)
                return
            }
            let embedded = workspace.take(count * width)
            let columns = workspace.take(side * sizes.gridSide * width)
            embedding(tokens, rows: count, into: embedded, scratch: scratch, team: team)
            for row in 0..<side {
                gridResampling.resampleRows(
                    embedded + row * side * width,
                    width: width,
                    into: columns + row * sizes.gridSide * width
                )
            }
            gridResampling.resampleRows(columns, width: sizes.gridSide * width, into: target)
            for index in 0..<stored * width { target[index] += positions.pointer[index] }
        }
    }

    func workspaceCount(teamSize: Int) -> Int {
        let latentTokens = latentSide * latentSide
        let outputTokens = max(sizes.gridSide * sizes.gridSide, latentTokens)
        let rows = outputTokens + 1
        let embedding =
            Workspace.span(
                PackedLinear.scratchCount(rows: latentTokens, inputs: channels, teamSize: teamSize)
            ) + Workspace.span(latentTokens * width) + Workspace.span(latentSide * sizes.gridSide * width)
        let block = TransformerBlock.workspaceCount(sizes.blocks, rows: rows, teamSize: teamSize)
        let head = Workspace.span(PackedLinear.scratchCount(rows: outputTokens, inputs: width, teamSize: teamSize))
        return 2 * Workspace.span(rows * width) + max(embedding, block, head) + Workspace.span(latentTokens * channels)
            + Workspace.span(outputTokens * pixelHead.outputs)
    }

    /// Multiplications and additions for one picture.
    var floatingPointOperations: Double {
        let rows = Double(sizes.gridSide * sizes.gridSide)
        return 2 * rows * Double(width) * Double(channels + pixelHead.outputs)
            + sizes.blocks.floatingPointOperations(rows: sizes.gridSide * sizes.gridSide + 1)
    }
}
