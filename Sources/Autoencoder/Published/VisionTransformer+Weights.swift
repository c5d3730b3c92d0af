// SPDX-License-Identifier: Apache-2.0

import TensorFiles
import TensorKernels

/// The names of an encoder's tensors in the checkpoints of the published families.
struct VisionTransformerNames: Sendable {
    /// Precedes every name.
    var prefix: String
    var patchEmbedding: String
    var patchHasBias: Bool
    var classToken: (name: String, shape: @Sendable (Int) -> [Int])?
    var registerTokens: String?
    var positions: String
    /// Whether the position table is `[1, rows, width]` rather than `[rows, width]`.
    var positionsHaveBatchAxis = false
    var positionResampling: PositionResampling
    /// Precedes a block's number.
    var blocks: String
    var block: TransformerBlockNames
    var preNorm: String?
    var hasFinalNorm: Bool
    var activation: Epilogue

    /// How a family resizes a stored position table to another grid.
    enum PositionResampling: Sendable {
        /// Not at all: the table must fit.
        case none
        /// `interpolate(mode="bicubic")`.
        case bicubic
        /// `interpolate(mode="bicubic", antialias=True)`.
        case antialiased

        func axis(from inputCount: Int, to outputCount: Int) -> AxisResampling? {
            switch self {
            case .none: nil
            case .bicubic: .bicubic(from: inputCount, to: outputCount)
            case .antialiased: .antialiasedBicubic(from: inputCount, to: outputCount)
            }
        }
    }

    init(_ family: EncoderConfiguration.Family) {
        switch family {
        case .dinov2:
            prefix = "encoder.encoder"
            patchEmbedding = "embeddings.patch_embeddings.projection"
            patchHasBias = true
            classToken = ("embeddings.cls_token", { [1, 1, $0] })
            registerTokens = "embeddings.register_tokens"
            positions = "embeddings.position_embeddings"
            positionsHaveBatchAxis = true
            positionResampling = .antialiased
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
            positionResampling = .none
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
            positionResampling = .bicubic
            blocks = "encoder.layers"
            block = .clip
            hasFinalNorm = true
            activation = .geluTanh
        case .mae:
            prefix = "encoder.model"
            patchEmbedding = "embeddings.patch_embeddings.projection"
            patchHasBias = true
            classToken = ("embeddings.cls_token", { [1, 1, $0] })
            positions = "embeddings.position_embeddings"
            positionsHaveBatchAxis = true
            positionResampling = .bicubic
            blocks = "encoder.layer"
            block = .mae
            hasFinalNorm = true
            activation = .gelu
        }
    }

    /// Every tensor that the encoder needs.
    ///
    /// - `storedGrid`: side of the stored position table's grid.
    func tensors(
        _ sizes: VisionTransformerConfiguration,
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
        let rows = storedGrid * storedGrid + (classToken == nil ? 0 : 1)
        list.append(TensorDescription(positions, positionShape(rows: rows, width: width), .spread(0.02)))
        if let preNorm { list += TensorDescription.norm(preNorm, width) }
        for index in 0..<sizes.blocks.depth {
            list += block.tensors(sizes.blocks).map { $0.below("\(blocks).\(index)") }
        }
        return list.map { $0.below(prefix) }
    }

    func positionShape(rows: Int, width: Int) -> [Int] {
        positionsHaveBatchAxis ? [1, rows, width] : [rows, width]
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
        let leadingRows = names.classToken == nil ? 0 : 1
        let table = try positionTable(reader, names: names, width: width, gridSide: gridSide)
        guard let token = names.classToken else { return table }
        var first = try reader.tensor("\(names.prefix).\(token.name)", shape: token.shape(width))
        for index in 0..<width { first[index] += table[index] }
        if let registers = names.registerTokens, sizes.registerCount > 0 {
            first += try reader.tensor("\(names.prefix).\(registers)", shape: [1, sizes.registerCount, width])
        }
        return first + table[leadingRows * width..<table.count]
    }

    /// The position embeddings for a grid, the class token's row in front where there is one.
    private static func positionTable(
        _ reader: WeightReader,
        names: VisionTransformerNames,
        width: Int,
        gridSide: Int
    ) throws(ModelError) -> [Float] {
        let name = "\(names.prefix).\(names.positions)"
        let leadingRows = names.classToken == nil ? 0 : 1
        var rows = gridSide * gridSide + leadingRows
        // The stored grid follows from the table's rows without the class token's.
        if names.positionResampling != .none, let stored = reader.file.shape(of: name), stored.count >= 2 {
            rows = stored[stored.count - 2]
        }
        let side = Int(Double(max(rows - leadingRows, 0)).squareRoot().rounded())
        // Bounded, because the rows of an empty table may be any number.
        guard (1..<(1 << 16)).contains(side), side * side == rows - leadingRows else {
            throw .positionsNotSquare(tensor: name, rows: rows)
        }
        let table = try reader.tensor(name, shape: names.positionShape(rows: rows, width: width))
        guard side != gridSide, let axis = names.positionResampling.axis(from: side, to: gridSide) else { return table }
        let grid = [Float](table[(leadingRows * width)...])
        return [Float](table[..<(leadingRows * width)]) + PositionEmbedding.resized(grid, width: width, axis: axis)
    }
}
