// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// From a packed latent to an image: the coefficients that the latent holds exactly, the others by a network.
///
/// The network's input is the image whitened, every frequency divided by its usual size, and its output is scaled back
/// in the same way, so that it works on numbers of one size whatever was cut.
struct LiteDecoder: Sendable {
    let packing: DCTPacking
    let scale: ImageScale
    /// From `[side, side, 3]` to the same; nil for none: then the coefficients that the latent does not hold stay zero.
    let refinement: ConvolutionStack?

    /// Decodes latents `[images, channels, gridSide, gridSide]` and lends the images to `body`.
    func callAsFunction(
        _ latents: UnsafePointer<Float>,
        images: Int,
        in context: ComputeContext,
        _ body: (DecodedImages) -> Void
    ) {
        let size = packing.planeCount
        context.scope {
            let pixels = context.take(images * size)
            context.scope {
                let planes = context.take(images * size)
                withUnsafeTemporaryAllocation(of: Int.self, capacity: images) { held in
                    for image in 0..<images {
                        let latent = latents + image * packing.latentCount
                        held[image] = packing.coefficients(of: latent, into: planes + image * size, in: context)
                    }
                    // An empty latent gives the network no input.
                    if let refinement, held.contains(where: { $0 > 0 }) {
                        draw(refinement, planes, held: UnsafeBufferPointer(held), scratch: pixels, in: context)
                    }
                }
                for image in 0..<images {
                    packing.image(of: planes + image * size, into: pixels + image * size, in: context)
                }
            }
            // An image that lies as rows of pixels is a single patch.
            body(DecodedImages(values: pixels, gridSide: 1, patchSide: packing.side, scale: scale))
        }
    }

    /// Fills the coefficients that the latents do not hold.
    ///
    /// - `planes`: `[images, 3, side, side]`.
    /// - `held`: for each image how many of its slots the latent fills.
    /// - `scratch`: as large as `planes`.
    private func draw(
        _ network: ConvolutionStack,
        _ planes: UnsafeMutablePointer<Float>,
        held: UnsafeBufferPointer<Int>,
        scratch: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        let (images, size) = (held.count, packing.planeCount)
        context.scope {
            let white = context.take(size)
            let drawn = context.take(images * network.output.count)
            for image in 0..<images {
                packing.whiten(planes + image * size, count: held[image], into: white, in: context)
                packing.drawable(white, into: scratch + image * size, in: context)
            }
            network(scratch, images: images, into: drawn, in: context)
            for image in 0..<images where held[image] > 0 {
                packing.coefficients(ofDrawn: drawn + image * network.output.count, into: white, in: context)
                packing.complete(planes + image * size, beyond: held[image], with: white, in: context)
            }
        }
    }
}

extension LiteDecoder {
    /// Names: `decoder.convolutional.N...`.
    init(
        _ reader: WeightReader,
        configuration: ModelConfiguration,
        sizes: LiteDecoderConfiguration,
        packing: DCTPacking
    ) throws(ModelError) {
        self.packing = packing
        scale = ImageScale(configuration.decoder)
        refinement =
            sizes.layers.isEmpty
            ? nil
            : try ConvolutionStack(
                reader,
                prefix: "decoder.convolutional",
                layers: sizes.layers,
                input: MapShape(height: packing.side, width: packing.side, channels: 3)
            )
    }
}
