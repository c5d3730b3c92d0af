// SPDX-License-Identifier: Apache-2.0

/// The `uae-lite` decoder: layers from the whitened image `[outputSide, outputSide, 3]` to the missing coefficients.
package struct LiteDecoderConfiguration: Sendable, Equatable {
    /// Empty for none: then the coefficients that the latent does not hold stay zero.
    package var layers: [ConvolutionLayer]

    init(_ reader: inout ConfigurationReader, outputSide: Int) throws(ConfigurationError) {
        guard var object = try reader.optionalObject("convolutional") else {
            layers = []
            return
        }
        layers = try ConvolutionLayer.list(&object, "layers")
        try object.finish()
        let image = MapShape(height: outputSide, width: outputSide, channels: 3)
        let path = "decoder.convolutional.layers"
        let made = try ConvolutionLayer.check(layers, from: image, path: path)
        guard made.height == outputSide, made.width == outputSide else {
            throw .gridMismatch(path: path, expected: outputSide, found: made.height)
        }
        guard made.channels == 3 else {
            throw .channelsMismatch(path: path, expected: 3, found: made.channels)
        }
    }
}
