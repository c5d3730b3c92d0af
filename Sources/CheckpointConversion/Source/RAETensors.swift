// SPDX-License-Identifier: Apache-2.0

import Autoencoder

/// Names of RAE's separate encoder and decoder files, brought to those of a whole checkpoint.
enum RAETensors {
    /// Only the decoder, as RAE publishes it: its tensors without the prefix `decoder.`, bare or in a wrapper.
    static func decoder(path: String) throws(ConversionError) -> TensorTable {
        let file = try open(path)
        var dictionary = file.root
        for wrapper in ["model", "state_dict", "module"] {
            if let inner = file.root[wrapper], case .dictionary = inner {
                dictionary = inner
                break
            }
        }
        var table = try TensorTable(dictionary, path: path, entry: "the file")
        try table.rename { $0.hasPrefix("decoder.") ? $0 : "decoder." + $0 }
        return table
    }

    /// The encoder's weights from its Hugging Face folder.
    static func encoder(
        folder: String,
        family: EncoderConfiguration.Family
    ) throws(ConversionError) -> (TensorTable, path: String) {
        let names = [
            "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
        ]
        guard
            let path = names.map({ SourceTree.joined(folder, $0) }).first(where: { SourceTree.kind(of: $0) == .file })
        else { throw .unreadable(path: SourceTree.joined(folder, "model.safetensors"), errno: 2) }
        var table = try TensorTable(try open(path).root, path: path, entry: "the file")
        try table.rename { checkpointName(ofEncoderTensor: $0, family: family) }
        return (table, path)
    }

    private static func open(_ path: String) throws(ConversionError) -> CheckpointFile {
        do {
            return try CheckpointFile(path: path)
        } catch {
            throw .file(error)
        }
    }

    /// The name in a whole checkpoint of a tensor of the transformers library.
    ///
    /// - Parameters:
    ///   - name: as version 4 or version 5 of the library saves it.
    ///   - family: the encoder's.
    /// - Returns: nil for what is not part of the encoder: a text tower, MAE's own decoder.
    static func checkpointName(ofEncoderTensor name: String, family: EncoderConfiguration.Family) -> String? {
        var name = name
        for prefix in ["dinov2_with_registers.", "vit.", "vision_model."] where name.hasPrefix(prefix) {
            name = String(name.dropFirst(prefix.count))
        }
        guard name.hasPrefix("embeddings.") || name.hasPrefix("encoder.") || name.hasPrefix("layers.") else {
            return nil
        }
        if name.hasPrefix("layers.") { name = "encoder.layer." + name.dropFirst("layers.".count) }
        if family == .dinov2 || family == .mae {
            name = name.replacing(".attention.o_proj.", with: ".attention.output.dense.")
            for (short, long) in [("q", "query"), ("k", "key"), ("v", "value")] {
                name = name.replacing(".attention.\(short)_proj.", with: ".attention.attention.\(long).")
            }
        }
        if family == .mae {
            name = name.replacing(".mlp.fc1.", with: ".intermediate.dense.")
                .replacing(".mlp.fc2.", with: ".output.dense.")
        }
        return family.tensorPrefix + "." + name
    }
}
