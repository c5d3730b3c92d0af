// SPDX-License-Identifier: Apache-2.0

import Autoencoder

/// How a decoder is described by a folder of the authors' `configs/decoder`, or by the name of one.
struct DecoderSource {
    let description: ModelDescription.Decoder
    /// The note for assumed sizes.
    private(set) var assumption: String?

    static let positions = "decoder.decoder_pos_embed"
    static let classToken = "decoder.trainable_cls_token"

    /// Reads `decoder_config_path` and `decoder_patch_size`; the grid follows from the checkpoint.
    ///
    /// Only the `decoder_*` sizes and `layer_norm_eps` of the configuration are used. Its `patch_size` is a text in the
    /// published files ("SHOULD BE RELOADED") and never used: the patch side is `decoder_patch_size`.
    init(
        _ stage: StageConfiguration,
        tree: SourceTree,
        tensors: TensorTable,
        encoderGridSide: Int
    ) throws(ConversionError) {
        guard let name = try stage.text("decoder_config_path") else {
            throw .memberMissing(path: stage.path, member: "decoder_config_path")
        }
        let patchSide = try stage.integer("decoder_patch_size") ?? 16
        let gridSide = try Self.gridSide(tensors, default: encoderGridSide)
        if let folder = tree.configurationFolder(name) {
            let path = folder + "/config.json"
            let reader = HubConfiguration(path: path, values: try SettingValue.json(path: path))
            description = ModelDescription.Decoder(
                gridSide: gridSide,
                patchSide: patchSide,
                blocks: ModelDescription.Blocks(
                    width: try reader.size("decoder_hidden_size"),
                    depth: try reader.size("decoder_num_hidden_layers"),
                    headCount: try reader.size("decoder_num_attention_heads"),
                    mlpWidth: try reader.size("decoder_intermediate_size"),
                    layerNormEpsilon: try reader.number("layer_norm_eps") ?? PublishedDecoder.layerNormEpsilon
                )
            )
            return
        }
        let short = name.split(separator: "/").last.map(String.init) ?? name
        guard let known = PublishedDecoder.all.first(where: { $0.name == short }) else {
            throw .decoderUnknown(path: stage.path, name: name)
        }
        assumption = "The decoder's configuration was not found; the published sizes of \(short) are used."
        description = ModelDescription.Decoder(
            gridSide: gridSide,
            patchSide: patchSide,
            blocks: ModelDescription.Blocks(
                width: known.width,
                depth: known.depth,
                headCount: known.headCount,
                mlpWidth: known.mlpWidth,
                layerNormEpsilon: PublishedDecoder.layerNormEpsilon
            )
        )
    }

    /// The grid that the decoder's position table covers: a class token's row and a square number of others.
    private static func gridSide(_ tensors: TensorTable, default fallback: Int) throws(ConversionError) -> Int {
        guard let shape = tensors.shape(of: positions) else { return fallback }
        guard shape.count == 3, let side = TensorTable.gridSide(rows: shape[1], leadingRows: 1) else {
            throw .positionTable(path: tensors.path, tensor: positions, found: shape)
        }
        return side
    }
}
