// SPDX-License-Identifier: Apache-2.0

/// The published decoder: embedding, class token, position embedding, blocks, norm, pixel head.
package struct TransformerDecoderConfiguration: Sendable, Equatable {
    /// Side of the grid that the stored position embedding covers.
    package var gridSide: Int
    package var blocks: TransformerConfiguration

    /// - `gridSide`: of the latent; the decoder has the same unless its configuration gives another.
    init(_ reader: inout ConfigurationReader, gridSide: Int) throws(ConfigurationError) {
        var object = try reader.object("transformer")
        self.gridSide = try object.optionalInteger("grid_side", in: 1...64) ?? gridSide
        blocks = try TransformerConfiguration(&object, layerScale: nil)
        try object.finish()
    }
}
