// SPDX-License-Identifier: Apache-2.0

/// A feature map's size, stored `[height, width, channels]`.
package struct MapShape: Sendable, Equatable {
    package var height: Int
    package var width: Int
    package var channels: Int

    package var rows: Int { height * width }
    package var count: Int { height * width * channels }
}

/// One layer of a convolutional path, as `config.json` lists it.
///
/// A list of layers names its tensors as PyTorch's `Sequential` does: `PREFIX.0.weight`, `PREFIX.1.bias`, and
/// `PREFIX.2.layers.0.weight` inside a residual.
package indirect enum ConvolutionLayer: Sendable, Equatable {
    case convolution(outputs: Int, geometry: ConvolutionGeometry)
    /// A kernel for each channel.
    case depthwise(geometry: ConvolutionGeometry)
    /// LayerNorm over the channels of each place.
    case layerNorm(epsilon: Double)
    /// A learned factor for each channel.
    case scale
    /// x + layers(x).
    case residual(layers: [ConvolutionLayer])
    /// Repeats each place `factor` times in both directions.
    case upsample(factor: Int)
    /// PyTorch's `PixelShuffle`: channels `c * factor² + y * factor + x` become the square at (y, x).
    case pixelShuffle(factor: Int)
    /// PyTorch's `PixelUnshuffle`, the inverse.
    case pixelUnshuffle(factor: Int)

    /// The most numbers in one map; a larger one is refused before anything is allocated.
    static let activationLimit = 1 << 26

    static func list(
        _ reader: inout ConfigurationReader,
        _ key: String,
        depth: Int = 0
    ) throws(ConfigurationError) -> [ConvolutionLayer] {
        let depthLimit = 4
        guard depth < depthLimit else { throw .nestedTooDeeply(path: reader.path(key), limit: depthLimit) }
        var layers: [ConvolutionLayer] = []
        for object in try reader.objects(key, limit: 256) {
            layers.append(try ConvolutionLayer(object, depth: depth))
        }
        guard !layers.isEmpty else { throw .empty(path: reader.path(key)) }
        return layers
    }

    private init(_ object: ConfigurationReader, depth: Int) throws(ConfigurationError) {
        var reader = object
        let kind: Kind = try reader.choice("kind")
        switch kind {
        case .convolution:
            self = .convolution(
                outputs: try reader.integer("outputs", in: 1...16384),
                geometry: try ConvolutionGeometry(&reader, kernels: 1...64)
            )
        case .depthwise:
            let geometry = try ConvolutionGeometry(&reader, kernels: 3...7)
            guard !geometry.kernel.isMultiple(of: 2) else {
                throw .notAmong(path: reader.path("kernel"), value: "\(geometry.kernel)", allowed: ["3", "5", "7"])
            }
            self = .depthwise(geometry: geometry)
        case .layerNorm:
            self = .layerNorm(epsilon: try reader.number("epsilon", in: 0...1))
        case .scale:
            self = .scale
        case .residual:
            self = .residual(layers: try Self.list(&reader, "layers", depth: depth + 1))
        case .upsample:
            self = .upsample(factor: try reader.integer("factor", in: 1...16))
        case .pixelShuffle:
            self = .pixelShuffle(factor: try reader.integer("factor", in: 1...32))
        case .pixelUnshuffle:
            self = .pixelUnshuffle(factor: try reader.integer("factor", in: 1...32))
        }
        try reader.finish()
    }

    private enum Kind: String, CaseIterable {
        case convolution
        case depthwise
        case layerNorm = "layer_norm"
        case scale
        case residual
        case upsample
        case pixelShuffle = "pixel_shuffle"
        case pixelUnshuffle = "pixel_unshuffle"
    }

    /// Follows a map through layers, checking that each fits.
    ///
    /// - Returns: the shape of the output.
    static func check(
        _ layers: [ConvolutionLayer],
        from input: MapShape,
        path: String
    ) throws(ConfigurationError) -> MapShape {
        var shape = input
        for (index, layer) in layers.enumerated() {
            let place = "\(path)[\(index)]"
            try layer.checkInput(shape, path: place)
            // The map before was within the limit and factors are small, so nothing here overflows.
            shape = layer.output(of: shape)
            guard shape.count <= activationLimit else {
                throw .activationsTooLarge(path: place, count: shape.count, limit: activationLimit)
            }
        }
        return shape
    }

    /// The shape that the layer makes of a map that fits it.
    func output(of input: MapShape) -> MapShape {
        var output = input
        switch self {
        case .convolution(let outputs, let geometry):
            output = geometry.output(of: input)
            output.channels = outputs
        case .depthwise(let geometry):
            output = geometry.output(of: input)
        case .layerNorm, .scale, .residual:
            break
        case .upsample(let factor):
            output.height *= factor
            output.width *= factor
        case .pixelShuffle(let factor):
            output.height *= factor
            output.width *= factor
            output.channels /= factor * factor
        case .pixelUnshuffle(let factor):
            output.height /= factor
            output.width /= factor
            output.channels *= factor * factor
        }
        return output
    }

    private func checkInput(_ input: MapShape, path: String) throws(ConfigurationError) {
        switch self {
        case .convolution, .depthwise:
            let made = output(of: input)
            guard made.height > 0, made.width > 0 else {
                throw .layerDoesNotFit(path: path, height: input.height, width: input.width)
            }
        case .residual(let layers):
            let made = try Self.check(layers, from: input, path: path + ".layers")
            guard made.channels == input.channels else {
                throw .channelsMismatch(path: path, expected: input.channels, found: made.channels)
            }
            guard made == input else {
                throw .gridMismatch(path: path, expected: input.height, found: made.height)
            }
        case .pixelShuffle(let factor):
            guard input.channels.isMultiple(of: factor * factor) else {
                throw .channelsDoNotFormPixels(path: path, channels: input.channels, factor: factor)
            }
        case .pixelUnshuffle(let factor):
            guard input.height.isMultiple(of: factor), input.width.isMultiple(of: factor) else {
                throw .layerDoesNotFit(path: path, height: input.height, width: input.width)
            }
        case .layerNorm, .scale, .upsample:
            break
        }
    }
}
