// SPDX-License-Identifier: Apache-2.0

/// A pretrained vision transformer that Unified Autoencoders start from, by its Hugging Face name.
///
/// - Source: the models' `config.json` and `preprocessor_config.json` files.
package struct PublishedEncoder: Sendable, Equatable {
    /// Short name, for command lines.
    package let name: String
    /// `OWNER/NAME` on the Hugging Face hub.
    package let hubName: String
    package let family: EncoderConfiguration.Family
    /// Side in pixels of the network's input, where nothing else is said.
    package let inputSide: Int
    package let patchSide: Int
    package let width: Int
    package let depth: Int
    package let headCount: Int
    /// Side of the grid that the stored position table covers.
    package let storedGrid: Int

    package var mlpWidth: Int { 4 * width }

    package static let all: [PublishedEncoder] = [
        dinov2("small", width: 384, depth: 12, headCount: 6),
        dinov2("base", width: 768, depth: 12, headCount: 12),
        dinov2("large", width: 1024, depth: 24, headCount: 16),
        clip("clip-large", "openai/clip-vit-large-patch14", inputSide: 224),
        clip("clip-large-336", "openai/clip-vit-large-patch14-336", inputSide: 336),
        siglip2(224), siglip2(256), siglip2(384), siglip2(512),
        mae("base", width: 768, depth: 12, headCount: 12),
        mae("large", width: 1024, depth: 24, headCount: 16),
    ]

    private static func dinov2(_ size: String, width: Int, depth: Int, headCount: Int) -> PublishedEncoder {
        PublishedEncoder(
            name: "dinov2-\(size)",
            hubName: "facebook/dinov2-with-registers-\(size)",
            family: .dinov2,
            inputSide: 224,
            patchSide: 14,
            width: width,
            depth: depth,
            headCount: headCount,
            storedGrid: 37
        )
    }

    private static func clip(_ name: String, _ hubName: String, inputSide: Int) -> PublishedEncoder {
        PublishedEncoder(
            name: name,
            hubName: hubName,
            family: .clip,
            inputSide: inputSide,
            patchSide: 14,
            width: 1024,
            depth: 24,
            headCount: 16,
            storedGrid: inputSide / 14
        )
    }

    private static func siglip2(_ side: Int) -> PublishedEncoder {
        PublishedEncoder(
            name: side == 256 ? "siglip2-base" : "siglip2-base-\(side)",
            hubName: "google/siglip2-base-patch16-\(side)",
            family: .siglip2,
            inputSide: side,
            patchSide: 16,
            width: 768,
            depth: 12,
            headCount: 12,
            storedGrid: side / 16
        )
    }

    private static func mae(_ size: String, width: Int, depth: Int, headCount: Int) -> PublishedEncoder {
        PublishedEncoder(
            name: "mae-\(size)",
            hubName: "facebook/vit-mae-\(size)",
            family: .mae,
            inputSide: 256,
            patchSide: 16,
            width: width,
            depth: depth,
            headCount: headCount,
            storedGrid: 14
        )
    }
}

extension EncoderConfiguration.Family {
    /// Mean and deviation per colour channel with which the family standardises images.
    package var standardization: (mean: [Double], deviation: [Double]) {
        switch self {
        case .dinov2, .mae: ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        case .clip: ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])
        case .siglip2, .uaeLite: ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
        }
    }

    package var layerNormEpsilon: Double {
        switch self {
        case .dinov2, .siglip2, .uaeLite: 1e-6
        case .clip: 1e-5
        case .mae: 1e-12
        }
    }
}

/// A decoder size of the authors' `configs/decoder`, by folder name.
package struct PublishedDecoder: Sendable, Equatable {
    package let name: String
    package let width: Int
    package let depth: Int
    package let headCount: Int
    package let mlpWidth: Int
    /// The patch side in the name; checkpoints use `decoder_patch_size`, 16 unless said otherwise.
    package let patchSide: Int

    package static let layerNormEpsilon = 1e-12

    package static let all = [
        PublishedDecoder(name: "ViTB", width: 768, depth: 12, headCount: 12, mlpWidth: 3072, patchSide: 16),
        PublishedDecoder(name: "ViTL", width: 1024, depth: 24, headCount: 16, mlpWidth: 4096, patchSide: 16),
        PublishedDecoder(name: "ViTXL", width: 1152, depth: 28, headCount: 16, mlpWidth: 4096, patchSide: 16),
        PublishedDecoder(name: "ViTXL_L14_378", width: 1152, depth: 28, headCount: 16, mlpWidth: 4096, patchSide: 14),
    ]
}
