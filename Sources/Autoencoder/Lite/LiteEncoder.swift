// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// The `uae-lite` encoder: an embedding of the whole image and the image's DCT coefficients share the latent.
struct LiteEncoder: Sendable {
    /// From `[height, width, 3]` to a map whose mean over its positions becomes the embedding.
    let trunk: ConvolutionStack
    let embedding: Linear
    let packing: DCTPacking

    /// - `input`: `[images, height, width, 3]` of the trunk's input.
    /// - `latents`: `[images, channels, gridSide, gridSide]`.
    func callAsFunction(
        _ input: UnsafePointer<Float>,
        images: Int,
        into latents: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        context.scope {
            let embeddings = context.take(images * embedding.outputs)
            embed(input, images: images, into: embeddings, in: context)
            for image in 0..<images {
                packing.pack(
                    input + image * trunk.input.count,
                    embedding: embeddings + image * embedding.outputs,
                    into: latents + image * packing.latentCount,
                    in: context
                )
            }
        }
    }

    /// The embeddings alone.
    ///
    /// - `embeddings`: `[images, embedding.outputs]`.
    func embed(
        _ input: UnsafePointer<Float>,
        images: Int,
        into embeddings: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        context.scope {
            let maps = context.take(images * trunk.output.count)
            let features = context.take(images * embedding.inputs)
            trunk(input, images: images, into: maps, in: context)
            context.compute {
                for image in 0..<images {
                    meanOfRows(
                        maps + image * trunk.output.count,
                        rows: trunk.output.rows,
                        width: embedding.inputs,
                        into: features + image * embedding.inputs
                    )
                }
            }
            embedding(features, rows: images, into: embeddings, in: context)
        }
    }
}

extension LiteEncoder {
    /// Names: `encoder.semantic.N...`, `encoder.embedding.{weight,bias}` `[embedding, trunk's channels]`.
    init(
        _ reader: WeightReader,
        sizes: LiteEncoderConfiguration,
        configuration: ModelConfiguration,
        packing: DCTPacking
    ) throws(ModelError) {
        let side = configuration.encoder.inputSide
        self.packing = packing
        trunk = try ConvolutionStack(
            reader,
            prefix: "encoder.semantic",
            layers: sizes.layers,
            input: MapShape(height: side, width: side, channels: 3)
        )
        embedding = try reader.linear(
            "encoder.embedding",
            outputs: packing.embeddingCount,
            inputs: trunk.output.channels
        )
    }
}
