// SPDX-License-Identifier: Apache-2.0

extension ModelConfiguration {
    /// Every tensor that a transformer model loads, in checkpoint order; none for other models.
    ///
    /// - `storedGrid`: side of the grid that the encoder's position table covers.
    package func tensors(storedGrid: Int) -> [TensorDescription] {
        guard case .transformer(let sizes) = encoder.network, let decoderSizes = decoder.transformer else { return [] }
        let encoderTensors = VisionTransformerNames(encoder.family).tensors(sizes, storedGrid: storedGrid)
        let decoderTensors = TransformerDecoder.tensors(
            channels: channels,
            sizes: decoderSizes,
            patchCount: decoder.patchCount
        )
        let bandTensors = frequency.bands.map { FFTBands.tensors(channels: channels, bands: $0) } ?? []
        return encoderTensors + decoderTensors + bandTensors
    }

    /// Names and shapes of the tensors that `model.safetensors` of a transformer model must hold, in checkpoint order.
    ///
    /// - Parameter storedGrid: side of the grid that the encoder's position table covers.
    /// - Returns: nothing for other models.
    package func requiredTensors(storedGrid: Int) -> [(name: String, shape: [Int])] {
        tensors(storedGrid: storedGrid).map { ($0.name, $0.shape) }
    }
}

extension EncoderConfiguration.Family {
    /// The published checkpoints' name for the encoder's position table, and how many of its rows precede the grid's.
    package var positionTable: (name: String, leadingRows: Int) {
        let names = VisionTransformerNames(self)
        return ("\(names.prefix).\(names.positions)", names.classToken == nil ? 0 : 1)
    }

    /// The prefix of the encoder's tensors in the published checkpoints.
    package var tensorPrefix: String { VisionTransformerNames(self).prefix }
}
