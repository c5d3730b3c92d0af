// SPDX-License-Identifier: Apache-2.0

/// The sizes of a stack of transformer blocks.
package struct TransformerConfiguration: Sendable, Equatable {
    package var width: Int
    package var depth: Int
    package var headCount: Int
    package var mlpWidth: Int
    package var layerNormEpsilon: Double
    /// Whether each branch is multiplied by a learned vector before it is added.
    package var hasLayerScale: Bool

    package var headDimension: Int { width / headCount }

    init(_ reader: inout ConfigurationReader, layerScale: Bool?) throws(ConfigurationError) {
        width = try reader.integer("width", in: 4...8192)
        depth = try reader.integer("depth", in: 1...128)
        headCount = try reader.integer("head_count", in: 1...128)
        mlpWidth = try reader.integer("mlp_width", in: 1...32768)
        layerNormEpsilon = try reader.number("layer_norm_epsilon", in: 0...1)
        hasLayerScale = if let layerScale { layerScale } else { try reader.boolean("layer_scale", default: false) }
        guard width.isMultiple(of: headCount) else {
            throw .headsDoNotDivideWidth(path: reader.path("head_count"), width: width, headCount: headCount)
        }
    }
}
