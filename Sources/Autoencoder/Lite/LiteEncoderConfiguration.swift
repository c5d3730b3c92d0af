// SPDX-License-Identifier: Apache-2.0

/// The `uae-lite` encoder: a convolutional trunk; the mean of its map over all positions becomes the embedding.
package struct LiteEncoderConfiguration: Sendable, Equatable {
    /// Channels of the trunk's map.
    package var channels: Int
    package var layers: [ConvolutionLayer]

    init(_ reader: inout ConfigurationReader) throws(ConfigurationError) {
        var object = try reader.object("semantic")
        channels = try object.integer("channels", in: 1...8192)
        layers = try ConvolutionLayer.list(&object, "layers")
        try object.finish()
    }

    /// Checks the layers against the image that they get; their map may be of any size.
    func check(inputSide: Int) throws(ConfigurationError) {
        let input = MapShape(height: inputSide, width: inputSide, channels: 3)
        let output = try ConvolutionLayer.check(layers, from: input, path: "encoder.semantic.layers")
        guard output.channels == channels else {
            throw .channelsMismatch(path: "encoder.semantic.channels", expected: output.channels, found: channels)
        }
    }
}
