// SPDX-License-Identifier: Apache-2.0

import CKernels

/// Depthwise convolution: one filter for each channel, channels last.
///
/// - Shape: x `[height, width, channels]`, out `[outHeight, outWidth, channels]`.
/// - Padding: zeros. The rows above and columns to the left are given; those below and to the right follow from the
///   sizes.
package final class DepthwiseConv: @unchecked Sendable {
    // Unchecked: the memory behind the pointers is written in `init` only.
    private let weight: UnsafeMutablePointer<Float>
    private let bias: UnsafeMutablePointer<Float>?
    private let kernels: KernelSet

    package let channels: Int
    package let kernel: Int
    package let stride: Int

    /// Packs copies of `weight` (`[channels, 1, kernel, kernel]`) and `bias` (`[channels]`).
    package init(
        weight: UnsafePointer<Float>,
        bias: UnsafePointer<Float>?,
        channels: Int,
        kernel: Int,
        stride: Int,
        kernels: KernelSet = .best
    ) {
        precondition(channels > 0 && kernel > 0 && stride > 0, "a convolution has channels, a kernel and a stride")
        self.channels = channels
        self.kernel = kernel
        self.stride = stride
        self.kernels = kernels
        self.weight = .allocate(capacity: channels * kernel * kernel)
        transpose(weight, rows: channels, columns: kernel * kernel, into: self.weight)
        self.bias = bias.map { source in
            let copy = UnsafeMutablePointer<Float>.allocate(capacity: channels)
            copy.initialize(from: source, count: channels)
            return copy
        }
    }

    deinit {
        weight.deallocate()
        bias?.deallocate()
    }

    /// Convolves an image.
    ///
    /// - Parameters:
    ///   - x: `[height, width, channels]`.
    ///   - height: rows of `x`.
    ///   - width: columns of `x`.
    ///   - padTop: zero rows above.
    ///   - padLeft: zero columns to the left.
    ///   - outHeight: rows of `out`.
    ///   - outWidth: columns of `out`.
    ///   - out: `[outHeight, outWidth, channels]`; must not overlap `x`.
    ///   - activation: applied to the result; not `.accumulate`.
    ///   - team: divides the rows of `out` among its members.
    package func callAsFunction(
        _ x: UnsafePointer<Float>,
        height: Int,
        width: Int,
        padTop: Int,
        padLeft: Int,
        outHeight: Int,
        outWidth: Int,
        into out: UnsafeMutablePointer<Float>,
        activation: Epilogue,
        team: ComputeTeam
    ) {
        precondition(activation != .accumulate, "a depthwise convolution does not accumulate")
        var job = ck_depthwise(
            x: x,
            weight: weight,
            bias: bias,
            out: out,
            channels: channels,
            kernel: kernel,
            stride: stride,
            height: height,
            width: width,
            pad_top: padTop,
            pad_left: padLeft,
            out_height: outHeight,
            out_width: outWidth,
            activation: activation.code
        )
        kernels.table.pointee.depthwise(&job, team.team, team.size)
    }
}
