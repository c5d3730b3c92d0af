// SPDX-License-Identifier: Apache-2.0

/// A published vision transformer: DINOv2 with registers, CLIP, SigLIP2 or ViT-MAE.
package struct VisionTransformerConfiguration: Sendable, Equatable {
    package var patchSide: Int
    /// DINOv2's register tokens; none in the other families.
    package var registerCount: Int
    package var blocks: TransformerConfiguration

    init(
        _ reader: inout ConfigurationReader,
        family: EncoderConfiguration.Family,
        inputSide: Int
    ) throws(ConfigurationError) {
        patchSide = try reader.integer("patch_side", in: 1...128)
        registerCount = family == .dinov2 ? try reader.integer("register_count", in: 0...64) : 0
        blocks = try TransformerConfiguration(&reader, layerScale: family == .dinov2)
        guard inputSide.isMultiple(of: patchSide) else {
            throw .patchesDoNotFillImage(path: reader.path("patch_side"), side: inputSide, patchSide: patchSide)
        }
    }
}
