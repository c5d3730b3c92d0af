// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// The names of a block's tensors in a checkpoint, below the block's prefix.
struct TransformerBlockNames: Sendable {
    var firstNorm: String
    var query: String
    var key: String
    var value: String
    var attentionOutput: String
    var secondNorm: String
    var mlpInput: String
    var mlpOutput: String
    /// LayerScale vectors, where a family has them.
    var scales: (first: String, second: String)?

    static let dinov2 = TransformerBlockNames(
        firstNorm: "norm1",
        query: "attention.attention.query",
        key: "attention.attention.key",
        value: "attention.attention.value",
        attentionOutput: "attention.output.dense",
        secondNorm: "norm2",
        mlpInput: "mlp.fc1",
        mlpOutput: "mlp.fc2",
        scales: ("layer_scale1.lambda1", "layer_scale2.lambda1")
    )

    /// CLIP and SigLIP2.
    static let clip = TransformerBlockNames(
        firstNorm: "layer_norm1",
        query: "self_attn.q_proj",
        key: "self_attn.k_proj",
        value: "self_attn.v_proj",
        attentionOutput: "self_attn.out_proj",
        secondNorm: "layer_norm2",
        mlpInput: "mlp.fc1",
        mlpOutput: "mlp.fc2"
    )

    /// ViT-MAE's encoder.
    static let mae: TransformerBlockNames = {
        var names = decoder
        names.scales = nil
        return names
    }()

    /// The decoder; LayerScale is an addition of ours, named as in DINOv2.
    static let decoder = TransformerBlockNames(
        firstNorm: "layernorm_before",
        query: "attention.attention.query",
        key: "attention.attention.key",
        value: "attention.attention.value",
        attentionOutput: "attention.output.dense",
        secondNorm: "layernorm_after",
        mlpInput: "intermediate.dense",
        mlpOutput: "output.dense",
        scales: ("layer_scale1.lambda1", "layer_scale2.lambda1")
    )

    /// Every tensor of a block with its shape, in checkpoint order.
    func tensors(_ sizes: TransformerConfiguration) -> [TensorDescription] {
        let (width, mlp) = (sizes.width, sizes.mlpWidth)
        var list = TensorDescription.norm(firstNorm, width)
        for name in [query, key, value, attentionOutput] {
            list += TensorDescription.linear(name, outputs: width, inputs: width)
        }
        list += TensorDescription.norm(secondNorm, width)
        list += TensorDescription.linear(mlpInput, outputs: mlp, inputs: width)
        list += TensorDescription.linear(mlpOutput, outputs: width, inputs: mlp)
        if sizes.hasLayerScale, let scales {
            list += [scales.first, scales.second].map { TensorDescription($0, [width], .nearOne) }
        }
        return list
    }
}

extension TransformerBlock {
    init(
        _ reader: WeightReader,
        prefix: String,
        names: TransformerBlockNames,
        sizes: TransformerConfiguration,
        activation: Epilogue
    ) throws(ModelError) {
        let (width, mlp) = (sizes.width, sizes.mlpWidth)
        var scales: (first: [Float], second: [Float])?
        if sizes.hasLayerScale, let scaleNames = names.scales {
            scales = (
                try reader.tensor("\(prefix).\(scaleNames.first)", shape: [width]),
                try reader.tensor("\(prefix).\(scaleNames.second)", shape: [width])
            )
        }
        let epsilon = sizes.layerNormEpsilon
        firstNorm = try reader.layerNorm("\(prefix).\(names.firstNorm)", width: width, epsilon: epsilon)
        attentionInput = try reader.fusedLinear(
            [names.query, names.key, names.value].map { "\(prefix).\($0)" },
            outputs: width,
            inputs: width
        )
        attentionOutput = try reader.linear(
            "\(prefix).\(names.attentionOutput)",
            outputs: width,
            inputs: width,
            scale: scales?.first
        )
        secondNorm = try reader.layerNorm("\(prefix).\(names.secondNorm)", width: width, epsilon: epsilon)
        mlpInput = try reader.linear("\(prefix).\(names.mlpInput)", outputs: mlp, inputs: width)
        mlpOutput = try reader.linear(
            "\(prefix).\(names.mlpOutput)",
            outputs: width,
            inputs: mlp,
            scale: scales?.second
        )
        self.activation = activation
        headCount = sizes.headCount
    }
}
