// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// The network that encodes images to latents.
enum Encoder: Sendable {
    case transformer(VisionTransformer)
    case lite(LiteEncoder)

    init(
        _ reader: WeightReader,
        configuration: ModelConfiguration,
        packing: DCTPacking?
    ) throws(ModelError) {
        switch configuration.encoder.network {
        case .transformer(let sizes):
            self = .transformer(
                try VisionTransformer(
                    reader,
                    family: configuration.encoder.family,
                    sizes: sizes,
                    inputSide: configuration.encoder.inputSide
                )
            )
        case .lite(let sizes):
            // The configuration was checked: models with this encoder pack.
            guard let packing else { preconditionFailure("a lite encoder without packing") }
            self = .lite(try LiteEncoder(reader, sizes: sizes, configuration: configuration, packing: packing))
        }
    }

    /// The layout of the network's input.
    var inputLayout: MapLayout {
        switch self {
        case .transformer: .channelsFirst
        case .lite: .channelsLast
        }
    }

    /// - `input`: `[images, 3, inputSide, inputSide]` or `[images, inputSide, inputSide, 3]`, see ``inputLayout``.
    /// - `latents`: `[images, channels, gridSide, gridSide]`.
    func callAsFunction(
        _ input: UnsafePointer<Float>,
        images: Int,
        into latents: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        switch self {
        case .transformer(let network): network(input, images: images, into: latents, in: context)
        case .lite(let network): network(input, images: images, into: latents, in: context)
        }
    }
}
