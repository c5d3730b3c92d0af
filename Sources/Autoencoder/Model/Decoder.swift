// SPDX-License-Identifier: Apache-2.0

/// The network that decodes latents to images.
enum Decoder: Sendable {
    case transformer(TransformerDecoder)
    case lite(LiteDecoder)

    init(
        _ reader: WeightReader,
        configuration: ModelConfiguration,
        packing: DCTPacking?
    ) throws(ModelError) {
        switch configuration.decoder.network {
        case .transformer(let sizes):
            self = .transformer(try TransformerDecoder(reader, configuration: configuration, sizes: sizes))
        case .lite(let sizes):
            // The configuration was checked: models with this decoder pack.
            guard let packing else { preconditionFailure("a lite decoder without packing") }
            self = .lite(try LiteDecoder(reader, configuration: configuration, sizes: sizes, packing: packing))
        }
    }

    /// Whether a square of the latent's tokens can be decoded by itself.
    var decodesCompactly: Bool {
        switch self {
        case .transformer: true
        case .lite: false
        }
    }

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
        switch self {
        case .transformer(let network): network(latents, images: images, side: side, in: context, body)
        case .lite(let network): network(latents, images: images, in: context, body)
        }
    }
}
