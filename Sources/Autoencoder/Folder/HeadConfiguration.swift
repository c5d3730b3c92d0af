// SPDX-License-Identifier: Apache-2.0

/// A classification head: optional convolutions, the mean over the tokens, a linear map to the logits.
package struct HeadConfiguration: Sendable, Equatable {
    /// What the head reads.
    package enum Source: String, Sendable, CaseIterable {
        /// The whole latent, after the request's band cut.
        case latent
        /// The embedding that a packing model's latent holds.
        case embedding
    }

    package var classCount: Int
    package var source: Source
    package var layers: [ConvolutionLayer]
    /// A safetensors file in the folder; nil when the head lies in `model.safetensors`.
    package var file: String?
    /// The linear map's tensors, `[classes, channels]` and `[classes]`.
    package var weightName: String
    package var biasName: String

    /// A plain linear probe, as a head file given on the command line is read.
    package init(linearProbe classCount: Int) {
        self.classCount = classCount
        file = nil
        source = .latent
        layers = []
        weightName = "weight"
        biasName = "bias"
    }

    init(_ object: ConfigurationReader) throws(ConfigurationError) {
        var reader = object
        classCount = try reader.integer("classes", in: 1...65536)
        source = try reader.choice("source", default: .latent)
        layers = reader.contains("layers") ? try ConvolutionLayer.list(&reader, "layers") : []
        file = try reader.optionalFileName("file")
        weightName = try reader.optionalText("weight") ?? "weight"
        biasName = try reader.optionalText("bias") ?? "bias"
        try reader.finish()
    }
}
