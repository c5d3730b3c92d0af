// SPDX-License-Identifier: Apache-2.0

import TensorKernels

extension ConvolutionStack {
    /// Loads the layers' tensors, `prefix.INDEX.weight` and so on.
    ///
    /// The shapes were checked with the configuration, so this cannot fail because of them.
    init(
        _ reader: WeightReader,
        prefix: String,
        layers descriptions: [ConvolutionLayer],
        input: MapShape
    ) throws(ModelError) {
        var shape = input
        var made: [(layer: Layer, output: MapShape)] = []
        for (index, description) in descriptions.enumerated() {
            let name = "\(prefix).\(index)"
            let layer = try Self.layer(description, reader, name: name, shape: shape)
            shape = description.output(of: shape)
            made.append((layer, shape))
        }
        self.input = input
        layers = made
        output = shape
    }

    private static func layer(
        _ description: ConvolutionLayer,
        _ reader: WeightReader,
        name: String,
        shape: MapShape
    ) throws(ModelError) -> Layer {
        switch description {
        case .convolution(let outputs, let geometry):
            return .convolution(
                try Convolution(
                    reader,
                    prefix: name,
                    channels: shape.channels,
                    outputs: outputs,
                    geometry: geometry
                )
            )
        case .depthwise(let geometry):
            let weight = try reader.tensor(
                name + ".weight",
                shape: [shape.channels, 1, geometry.kernel, geometry.kernel]
            )
            let bias = geometry.hasBias ? try reader.tensor(name + ".bias", shape: [shape.channels]) : nil
            return .depthwise(
                DepthwiseLayer(
                    kernels: bias.withPointer { bias in
                        DepthwiseConv(
                            weight: weight,
                            bias: bias,
                            channels: shape.channels,
                            kernel: geometry.kernel,
                            stride: geometry.stride
                        )
                    },
                    geometry: geometry
                )
            )
        case .layerNorm(let epsilon):
            return .layerNorm(try reader.layerNorm(name, width: shape.channels, epsilon: epsilon))
        case .scale:
            return .scale(try reader.vector(name + ".weight", count: shape.channels))
        case .residual(let layers):
            return .residual(try ConvolutionStack(reader, prefix: name + ".layers", layers: layers, input: shape))
        case .upsample(let factor):
            return .upsample(factor: factor)
        case .pixelShuffle(let factor):
            return .pixelShuffle(factor: factor)
        case .pixelUnshuffle(let factor):
            return .pixelUnshuffle(factor: factor)
        }
    }
}

extension Convolution {
    /// Loads `prefix.weight` `[outputs, channels, kernel, kernel]` and reorders each kernel to row, column, channel.
    init(
        _ reader: WeightReader,
        prefix: String,
        channels: Int,
        outputs: Int,
        geometry: ConvolutionGeometry
    ) throws(ModelError) {
        let area = geometry.kernel * geometry.kernel
        let stored = try reader.weights(
            prefix + ".weight",
            shape: [outputs, channels, geometry.kernel, geometry.kernel]
        )
        var turned = [Float](repeating: 0, count: stored.count)
        for output in 0..<outputs {
            for channel in 0..<channels {
                for place in 0..<area {
                    turned[(output * area + place) * channels + channel] =
                        stored[(output * channels + channel) * area + place]
                }
            }
        }
        let bias = geometry.hasBias ? try reader.tensor(prefix + ".bias", shape: [outputs]) : nil
        linear = bias.withPointer { bias in
            Linear(
                weight: turned,
                bias: bias,
                outputs: outputs,
                inputs: channels * area,
                storage: reader.storage,
                product: reader.product
            )
        }
        self.geometry = geometry
    }
}

extension Optional where Wrapped == [Float] {
    /// Passes the floats' address to `body`, or nil without floats.
    func withPointer<Result>(_ body: (UnsafePointer<Float>?) -> Result) -> Result {
        switch self {
        case .some(let values): values.withUnsafeBufferPointer { body($0.baseAddress) }
        case .none: body(nil)
        }
    }
}
