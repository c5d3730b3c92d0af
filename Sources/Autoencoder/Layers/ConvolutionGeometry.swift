// SPDX-License-Identifier: Apache-2.0

/// Kernel, stride, padding and activation of a convolution.
package struct ConvolutionGeometry: Sendable, Equatable {
    package enum Padding: String, Sendable, CaseIterable {
        /// TensorFlow's SAME: output = ceil(input / stride), the odd pixel of padding at the bottom and right.
        case same
        /// PyTorch's `padding = kernel / 2` on all sides.
        case symmetric
        case none
    }

    package enum Activation: String, Sendable, CaseIterable {
        case none
        case relu
        case relu6
        case silu
        case gelu
    }

    package var kernel: Int
    package var stride: Int
    package var padding: Padding
    package var activation: Activation
    package var hasBias: Bool

    init(_ reader: inout ConfigurationReader, kernels: ClosedRange<Int>) throws(ConfigurationError) {
        kernel = try reader.integer("kernel", in: kernels)
        stride = try reader.optionalInteger("stride", in: 1...64) ?? 1
        padding = try reader.choice("padding", default: .same)
        activation = try reader.choice("activation", default: Activation.none)
        hasBias = try reader.boolean("bias", default: true)
    }

    init(kernel: Int, padding: Padding, activation: Activation) {
        self.kernel = kernel
        self.padding = padding
        self.activation = activation
        stride = 1
        hasBias = true
    }

    /// Output length and the padding before the first element, along one axis.
    func extent(_ length: Int) -> (length: Int, before: Int) {
        switch padding {
        case .same:
            let output = (length + stride - 1) / stride
            let total = max((output - 1) * stride + kernel - length, 0)
            return (output, total / 2)
        case .symmetric:
            return ((length + 2 * (kernel / 2) - kernel) / stride + 1, kernel / 2)
        case .none:
            return (length < kernel ? 0 : (length - kernel) / stride + 1, 0)
        }
    }

    /// The map that the convolution makes, its channels still the input's.
    func output(of input: MapShape) -> MapShape {
        MapShape(height: extent(input.height).length, width: extent(input.width).length, channels: input.channels)
    }
}
