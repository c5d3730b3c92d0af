// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// A published vision transformer as encoder: DINOv2 with registers, CLIP, SigLIP2 or ViT-MAE.
struct VisionTransformer: Sendable {
    let sizes: VisionTransformerConfiguration
    let inputSide: Int
    /// `[rows, width]`: class and register tokens in front, position embeddings added; patches are added to the rest.
    let initialTokens: ConstantVector
    let patchEmbedding: Linear
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

    /// - `input`: `[images, 3, inputSide, inputSide]`.
    /// - `latents`: `[images, width, gridSide, gridSide]`.
    func callAsFunction(
        _ input: UnsafePointer<Float>,
        images: Int,
        into latents: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        context.scope {
            let tokens = context.take(images * rows * width)
            let other = context.take(images * rows * width)
            embed(input, images: images, into: tokens, in: context)
            var (current, free) = (tokens, other)
            if let preNorm {
                preNorm(tokens, rows: images * rows, into: other, in: context)
                (current, free) = (other, tokens)
            }
            for block in blocks { block(current, images: images, rows: rows, in: context) }
            for image in 0..<images {
                var patches = current + (image * rows + leadingRows) * width
                if let finalNorm {
                    let normalized = free + image * rows * width
                    finalNorm(patches, rows: patchCount, into: normalized, in: context)
                    patches = normalized
                }
                let latent = latents + image * patchCount * width
                context.compute { transpose(patches, rows: patchCount, columns: width, into: latent) }
            }
        }
    }

    /// The tokens `[images, rows, width]` that the blocks begin with.
    private func embed(
        _ input: UnsafePointer<Float>,
        images: Int,
        into tokens: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        context.scope {
            let patches = context.take(patchCount * patchEmbedding.inputs)
            for image in 0..<images {
                let own = tokens + image * rows * width
                context.compute {
                    own.update(from: initialTokens.pointer, count: rows * width)
                    gatherPatches(
                        input + image * 3 * inputSide * inputSide,
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
                        team: context.team
                    )
                }
                patchEmbedding(
                    patches,
                    rows: patchCount,
                    into: own + leadingRows * width,
                    epilogue: .accumulate,
                    in: context
                )
            }
        }
    }
}
