// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// The published decoder: latent tokens in, a square of pixels for each token out.
struct TransformerDecoder: Sendable {
    let channels: Int
    /// Side of the latent's grid.
    let latentSide: Int
    let sizes: TransformerDecoderConfiguration
    /// Side in pixels of the square that a token becomes.
    let patchSide: Int
    let scale: ImageScale
    let embedding: Linear
    /// `[width]`: the class token with its position added.
    let classToken: ConstantVector
    /// `[gridSide * gridSide, width]`.
    let positions: ConstantVector
    let blocks: [TransformerBlock]
    let norm: LayerNorm
    let pixelHead: Linear
    /// Resizes embedded tokens to the decoder's grid; nil where the latent has the same grid.
    let gridResampling: AxisResampling?

    private var width: Int { sizes.blocks.width }

    /// Decodes latents and lends the images to `body`.
    ///
    /// - `latents`: `[images, channels, side, side]`.
    /// - `side`: the latents' side, or less for the authors' compact decode.
    func callAsFunction(
        _ latents: UnsafePointer<Float>,
        images: Int,
        side: Int,
        in context: ComputeContext,
        _ body: (DecodedImages) -> Void
    ) {
        let gridSide = side == latentSide ? sizes.gridSide : side
        let patches = gridSide * gridSide
        // The class token goes in front.
        let rows = patches + 1
        context.scope {
            let pixels = context.take(images * patches * pixelHead.outputs)
            context.scope {
                let tokens = context.take(images * rows * width)
                for image in 0..<images {
                    let own = tokens + image * rows * width
                    context.compute { own.update(from: classToken.pointer, count: width) }
                    let latent = latents + image * channels * side * side
                    embed(latent, side: side, into: own + width, in: context)
                }
                for block in blocks { block(tokens, images: images, rows: rows, in: context) }
                let normalized = context.take(images * patches * width)
                for image in 0..<images {
                    // The class token takes part in the attention only; the patches become pixels.
                    let own = tokens + (image * rows + 1) * width
                    norm(own, rows: patches, into: normalized + image * patches * width, in: context)
                }
                pixelHead(normalized, rows: images * patches, into: pixels, in: context)
            }
            body(DecodedImages(values: pixels, gridSide: gridSide, patchSide: patchSide, scale: scale))
        }
    }

    /// Embedded tokens of one latent plus positions.
    ///
    /// - `latent`: `[channels, side, side]`.
    private func embed(
        _ latent: UnsafePointer<Float>,
        side: Int,
        into target: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        context.scope {
            let count = side * side
            let stored = sizes.gridSide * sizes.gridSide
            let tokens = context.take(count * channels)
            context.compute { transpose(latent, rows: channels, columns: count, into: tokens) }
            guard side == latentSide else {
                context.compute {
                    // The authors' code shortens the table along its flat token axis, not on the grid.
                    AxisResampling.bicubic(from: stored, to: count)
                        .resampleRows(positions.pointer, width: width, into: target)
                }
                embedding(tokens, rows: count, into: target, epilogue: .accumulate, in: context)
                return
            }
            guard let gridResampling else {
                context.compute { target.update(from: positions.pointer, count: stored * width) }
                embedding(tokens, rows: count, into: target, epilogue: .accumulate, in: context)
                return
            }
            let embedded = context.take(count * width)
            let columns = context.take(side * sizes.gridSide * width)
            embedding(tokens, rows: count, into: embedded, in: context)
            context.compute {
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
    }
}
