// SPDX-License-Identifier: Apache-2.0

import TensorFiles
import TensorKernels

/// Where the checkpoints of the three families keep an encoder's tensors.
struct VisionTransformerNames: Sendable {
    /// In front of every name.
    var prefix: String
    var patchEmbedding: String
    var patchHasBias: Bool
    var classToken: (name: String, shape: @Sendable (Int) -> [Int])?
    var registerTokens: String?
    var positions: String
    /// In front of a block's number.
    var blocks: String
    var block: TransformerBlockNames
    var preNorm: String?
    var hasFinalNorm: Bool
    var activation: Epilogue

    init(_ family: EncoderConfiguration.Family) {
        switch family {
        case .dinov2:
            prefix = "encoder.encoder"
            patchEmbedding = "embeddings.patch_embeddings.projection"
            patchHasBias = true
            classToken = ("embeddings.cls_token", { [1, 1, $0] })
            registerTokens = "embeddings.register_tokens"
            positions = "embeddings.position_embeddings"
            blocks = "encoder.layer"
            block = .dinov2
            hasFinalNorm = true
            activation = .gelu
        case .clip:
            prefix = "encoder.model.vision_model"
            patchEmbedding = "embeddings.patch_embedding"
            patchHasBias = false
            classToken = ("embeddings.class_embedding", { [$0] })
            positions = "embeddings.position_embedding.weight"
            blocks = "encoder.layers"
            block = .clip
            preNorm = "pre_layrnorm"
            hasFinalNorm = false
            activation = .quickGELU
        case .siglip2, .uaeLite:
            prefix = "encoder.model"
            patchEmbedding = "embeddings.patch_embedding"
            patchHasBias = true
            positions = "embeddings.position_embedding.weight"
            blocks = "encoder.layers"
            block = .clip
            hasFinalNorm = true
            activation = .geluTanh
        }
    }

    /// Every tensor that the encoder needs.
    ///
    /// - `storedGrid`: side of the stored position table's grid (DINOv2 resizes it).
    func tensors(
        _ sizes: VisionTransformerConfiguration,
        gridSide: Int,
        storedGrid: Int
    ) -> [TensorDescription] {
        let width = sizes.blocks.width
        let inputs = 3 * sizes.patchSide * sizes.patchSide
        var list = [
            TensorDescription(
                patchEmbedding + ".weight",
                [width, 3, sizes.patchSide, sizes.patchSide],
                .spread(1 / Double(inputs).squareRoot())
            )
        ]
        if patchHasBias { list.append(TensorDescription(patchEmbedding + ".bias", [width], .spread(0.02))) }
        if let classToken { list.append(TensorDescription(classToken.name, classToken.shape(width), .spread(0.02))) }
        if let registerTokens {
            list.append(TensorDescription(registerTokens, [1, sizes.registerCount, width], .spread(0.02)))
        }
        let table =
            registerTokens == nil
            ? [gridSide * gridSide + (classToken == nil ? 0 : 1), width]
            : [1, storedGrid * storedGrid + 1, width]
        list.append(TensorDescription(positions, table, .spread(0.02)))
        if let preNorm { list += TensorDescription.norm(preNorm, width) }
        for index in 0..<sizes.blocks.depth {
            list += block.tensors(sizes.blocks).map { $0.below("\(blocks).\(index)") }
        }
        return list.map { $0.below(prefix) }
    }
}

extension VisionTransformer {
    init(
        _ reader: WeightReader,
        family: EncoderConfiguration.Family,
        sizes: VisionTransformerConfiguration,
        inputSide: Int
    ) throws(ModelError) {
        let names = VisionTransformerNames(family)
        let width = sizes.blocks.width
        self.sizes = sizes
        self.inputSide = inputSide
        initialTokens = ConstantVector(
            try Self.initialTokens(reader, names: names, sizes: sizes, gridSide: inputSide / sizes.patchSide)
        )
        let patch = "\(names.prefix).\(names.patchEmbedding)"
        patchEmbedding = try reader.patchLinear(
            weight: patch + ".weight",
            bias: names.patchHasBias ? patch + ".bias" : nil,
            outputs: width,
            channels: 3,
            kernel: sizes.patchSide
        )
        if let name = names.preNorm {
            preNorm = try reader.layerNorm(
                "\(names.prefix).\(name)",
                width: width,
                epsilon: sizes.blocks.layerNormEpsilon
            )
        } else {
            preNorm = nil
        }
        blocks = try concurrentMap(sizes.blocks.depth) { index throws(ModelError) in
            try TransformerBlock(
                reader,
                prefix: "\(names.prefix).\(names.blocks).\(index)",
                names: names.block,
                sizes: sizes.blocks,
                activation: names.activation
            )
        }
        finalNorm =
            names.hasFinalNorm
            ? LayerNorm(weight: nil, bias: nil, width: width, epsilon: Float(sizes.blocks.layerNormEpsilon))
            : nil
    }

    /// The rows before patches are added: class token plus its position, registers (which have none), positions.
    private static func initialTokens(
        _ reader: WeightReader,
        names: VisionTransformerNames,
        sizes: VisionTransformerConfiguration,
        gridSide: Int
    ) throws(ModelError) -> [Float] {
        let width = sizes.blocks.width
        let positions = "\(names.prefix).\(names.positions)"
        guard let token = names.classToken else {
            return try reader.tensor(positions, shape: [gridSide * gridSide, width])
        }
        var first = try reader.tensor("\(names.prefix).\(token.name)", shape: token.shape(width))
        guard let registers = names.registerTokens else {
            let table = try reader.tensor(positions, shape: [gridSide * gridSide + 1, width])
            for index in 0..<width { first[index] += table[index] }
            return first + table[width...]
        }
        // The stored grid is read off the table: a square number of rows after the class token's.
        let stored = reader.file.shape(of: positions) ?? []
        let rows = stored.count == 3 ? stored[1] : 2
        let side = Int(Double(max(rows - 1, 1)).squareRoot().rounded())
        guard side * side == rows - 1 else { throw .positionsNotSquare(tensor: positions, rows: rows) }
        let table = try reader.tensor(positions, shape: [1, rows, width])
        for index in 0..<width { first[index] += table[index] }
        let grid = [Float](table[width...])
        let resized =
            side == gridSide
            ? grid
            : PositionEmbedding.resized(
                grid,
                width: width,
                axis: .antialiasedBicubic(from: side, to: gridSide)
            )
        guard sizes.registerCount > 0 else { return first + resized }
        return first
            + (try reader.tensor("\(names.prefix).\(registers)", shape: [1, sizes.registerCount, width]))
            + resized
    }
}
