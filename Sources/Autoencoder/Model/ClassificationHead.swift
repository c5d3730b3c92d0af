// SPDX-License-Identifier: Apache-2.0

import TensorFiles
import TensorKernels

/// From a latent to the logits of the model's categories.
struct ClassificationHead: Sendable {
    let source: HeadConfiguration.Source
    let channels: Int
    let gridSide: Int
    let stack: ConvolutionStack?
    let linear: Linear
    /// What finds the embedding in the latent; only for heads that read it.
    let packing: DCTPacking?

    var classCount: Int { linear.outputs }
    private var tokenCount: Int { gridSide * gridSide }

    /// - `latents`: `[images, channels, gridSide, gridSide]`.
    /// - `logits`: `[images, classCount]`.
    func callAsFunction(
        _ latents: UnsafePointer<Float>,
        images: Int,
        into logits: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        context.scope {
            let features = context.take(images * linear.inputs)
            for image in 0..<images {
                let latent = latents + image * channels * tokenCount
                readFeatures(latent, into: features + image * linear.inputs, in: context)
            }
            classify(features, images: images, into: logits, in: context)
        }
    }

    /// The linear map alone, from the features `[images, linear.inputs]` that the latents would give.
    func classify(
        _ features: UnsafePointer<Float>,
        images: Int,
        into logits: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        linear(features, rows: images, into: logits, in: context)
    }

    private func readFeatures(
        _ latent: UnsafePointer<Float>,
        into features: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        if let packing {
            packing.unpackEmbedding(latent, into: features, in: context)
        } else if let stack {
            context.scope {
                let tokens = context.take(stack.input.count)
                let map = context.take(stack.output.count)
                context.compute { transpose(latent, rows: channels, columns: tokenCount, into: tokens) }
                stack(tokens, images: 1, into: map, in: context)
                context.compute {
                    meanOfRows(map, rows: stack.output.rows, width: linear.inputs, into: features)
                }
            }
        } else {
            context.compute { meanOfPlanes(latent, channels: channels, tokenCount: tokenCount, into: features) }
        }
    }
}

extension ClassificationHead {
    /// Reads the head that a configuration describes.
    ///
    /// - `reader`: the file in which it lies.
    /// - `packing`: of the model, where its latents hold an embedding.
    init(
        _ reader: WeightReader,
        head: HeadConfiguration,
        configuration: ModelConfiguration,
        packing: DCTPacking?
    ) throws(ModelError) {
        source = head.source
        channels = configuration.channels
        gridSide = configuration.gridSide
        self.packing = head.source == .embedding ? packing : nil
        if head.layers.isEmpty {
            stack = nil
        } else {
            stack = try ConvolutionStack(
                reader,
                prefix: "head",
                layers: head.layers,
                input: MapShape(height: gridSide, width: gridSide, channels: channels)
            )
        }
        let inputs = self.packing?.embeddingCount ?? stack?.output.channels ?? channels
        let bias = try reader.tensor(head.biasName, shape: [head.classCount])
        linear = Linear(
            weight: try reader.weights(head.weightName, shape: [head.classCount, inputs]),
            bias: bias,
            outputs: head.classCount,
            inputs: inputs,
            storage: reader.storage,
            product: reader.product
        )
    }

    /// How many classes a linear probe in a file has.
    static func classCount(ofProbe reader: WeightReader, channels: Int) throws(ModelError) -> Int {
        guard let shape = reader.file.shape(of: "weight") else {
            throw .weights(path: reader.path, .missingTensor(path: reader.path, name: "weight"))
        }
        guard shape.count == 2, shape[0] > 0, shape[0] <= 65536, shape[1] == channels else {
            throw .headShape(path: reader.path, channels: channels, found: shape)
        }
        return shape[0]
    }
}
