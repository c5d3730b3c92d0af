// SPDX-License-Identifier: Apache-2.0

import TensorKernels

extension TransformerDecoder {
    /// The names of the decoder's tensors in the published checkpoints.
    private enum Names {
        static let embedding = "decoder.decoder_embed"
        static let classToken = "decoder.trainable_cls_token"
        static let positions = "decoder.decoder_pos_embed"
        static let blocks = "decoder.decoder_layers"
        static let norm = "decoder.decoder_norm"
        static let pixelHead = "decoder.decoder_pred"
    }

    init(
        _ reader: WeightReader,
        configuration: ModelConfiguration,
        sizes: TransformerDecoderConfiguration
    ) throws(ModelError) {
        let width = sizes.blocks.width
        self.sizes = sizes
        patchSide = configuration.decoder.patchSide
        scale = ImageScale(configuration.decoder)
        channels = configuration.channels
        latentSide = configuration.gridSide
        embedding = try reader.linear(Names.embedding, outputs: width, inputs: configuration.channels)
        let table = try reader.tensor(Names.positions, shape: [1, sizes.gridSide * sizes.gridSide + 1, width])
        var token = try reader.tensor(Names.classToken, shape: [1, 1, width])
        for index in 0..<width { token[index] += table[index] }
        classToken = ConstantVector(token)
        positions = ConstantVector([Float](table[width...]))
        blocks = try concurrentMap(sizes.blocks.depth) { index throws(ModelError) in
            try TransformerBlock(
                reader,
                prefix: "\(Names.blocks).\(index)",
                names: .decoder,
                sizes: sizes.blocks,
                activation: .gelu
            )
        }
        norm = try reader.layerNorm(Names.norm, width: width, epsilon: sizes.blocks.layerNormEpsilon)
        pixelHead = try reader.linear(Names.pixelHead, outputs: configuration.decoder.patchCount, inputs: width)
        gridResampling =
            sizes.gridSide == configuration.gridSide
            ? nil : .bilinear(from: configuration.gridSide, to: sizes.gridSide)
    }

    /// Every tensor that the decoder needs.
    static func tensors(
        channels: Int,
        sizes: TransformerDecoderConfiguration,
        patchCount: Int
    ) -> [TensorDescription] {
        let width = sizes.blocks.width
        var list = TensorDescription.linear(Names.embedding, outputs: width, inputs: channels)
        list.append(TensorDescription(Names.classToken, [1, 1, width], .spread(0.02)))
        list.append(
            TensorDescription(Names.positions, [1, sizes.gridSide * sizes.gridSide + 1, width], .sinCosPositions)
        )
        for index in 0..<sizes.blocks.depth {
            list += TransformerBlockNames.decoder.tensors(sizes.blocks).map { $0.below("\(Names.blocks).\(index)") }
        }
        list += TensorDescription.norm(Names.norm, width)
        list += TensorDescription.linear(Names.pixelHead, outputs: patchCount, inputs: width)
        return list
    }
}
