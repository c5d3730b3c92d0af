// SPDX-License-Identifier: Apache-2.0

import TensorKernels
import Testing

@Suite struct ConvolutionTests {
    struct Shape: Sendable {
        var channels, kernel, stride, height, width: Int
        var padTop: Int
        var padLeft: Int
        var outHeight: Int
        var outWidth: Int

        /// TensorFlow's SAME: the odd zero goes below and to the right.
        init(channels: Int, kernel: Int, stride: Int, height: Int, width: Int) {
            (self.channels, self.kernel, self.stride, self.height, self.width) = (
                channels, kernel, stride, height, width
            )
            outHeight = (height + stride - 1) / stride
            outWidth = (width + stride - 1) / stride
            padTop = max((outHeight - 1) * stride + kernel - height, 0) / 2
            padLeft = max((outWidth - 1) * stride + kernel - width, 0) / 2
        }

        /// The pixel under a tap, or nil in the padding.
        func pixel(_ y: Int, _ x: Int, _ ky: Int, _ kx: Int) -> Int? {
            let (row, column) = (y * stride - padTop + ky, x * stride - padLeft + kx)
            guard 0..<height ~= row, 0..<width ~= column else { return nil }
            return row * width + column
        }
    }

    static let shapes = [
        Shape(channels: 1, kernel: 3, stride: 1, height: 1, width: 1),
        Shape(channels: 16, kernel: 3, stride: 1, height: 14, width: 14),
        Shape(channels: 35, kernel: 3, stride: 2, height: 28, width: 28),
        Shape(channels: 67, kernel: 5, stride: 1, height: 14, width: 13),
        Shape(channels: 240, kernel: 5, stride: 2, height: 28, width: 28),
        Shape(channels: 33, kernel: 7, stride: 1, height: 9, width: 30),
        Shape(channels: 20, kernel: 7, stride: 2, height: 5, width: 3),
        Shape(channels: 96, kernel: 3, stride: 2, height: 112, width: 112),
        Shape(channels: 4, kernel: 5, stride: 1, height: 2, width: 40),
    ]

    @Test(arguments: KernelSet.available, shapes)
    func depthwiseEqualsTheNaiveOne(kernels: KernelSet, shape: Shape) {
        let (channels, taps) = (shape.channels, shape.kernel * shape.kernel)
        let x = Samples.of(shape.height * shape.width * channels, seed: 1)
        let weight = Samples.of(channels * taps, seed: 2)
        let bias = Samples.of(channels, seed: 3)
        let conv = DepthwiseConv(
            weight: weight,
            bias: bias,
            channels: channels,
            kernel: shape.kernel,
            stride: shape.stride,
            kernels: kernels
        )
        var expected: [Double] = []
        for y in 0..<shape.outHeight {
            for column in 0..<shape.outWidth {
                for c in 0..<channels {
                    var sum = Double(bias[c])
                    for tap in 0..<taps {
                        if let pixel = shape.pixel(y, column, tap / shape.kernel, tap % shape.kernel) {
                            sum += Double(x[pixel * channels + c]) * Double(weight[c * taps + tap])
                        }
                    }
                    expected.append(sum)
                }
            }
        }
        for activation in [Epilogue.none, .relu, .relu6, .silu] {
            var results: [[Float]] = []
            for team in [ComputeTeam.solo, ComputeTeam(size: 2), ComputeTeam(size: 3)] {
                var found = [Float](repeating: .nan, count: expected.count)
                conv(
                    x,
                    height: shape.height,
                    width: shape.width,
                    padTop: shape.padTop,
                    padLeft: shape.padLeft,
                    outHeight: shape.outHeight,
                    outWidth: shape.outWidth,
                    into: &found,
                    activation: activation,
                    team: team
                )
                results.append(found)
            }
            let activated = expected.map { ElementwiseTests.exact($0, activation) }
            #expect(largestDistance(results[0], activated) < 1e-5)
            #expect(results[1] == results[0])
            #expect(results[2] == results[0])
        }
    }

    @Test(arguments: shapes, [MapLayout.channelsLast, .channelsFirst])
    func patchesHoldThePixelsUnderTheFilter(shape: Shape, layout: MapLayout) {
        let (channels, kernel) = (shape.channels, shape.kernel)
        let area = shape.height * shape.width
        let x = Samples.of(area * channels, seed: 4)
        var expected: [Float] = []
        for y in 0..<shape.outHeight {
            for column in 0..<shape.outWidth {
                for i in 0..<channels * kernel * kernel {
                    let (tap, channel) =
                        layout == .channelsLast
                        ? (i / channels, i % channels) : (i % (kernel * kernel), i / (kernel * kernel))
                    if let pixel = shape.pixel(y, column, tap / kernel, tap % kernel) {
                        expected.append(
                            layout == .channelsLast ? x[pixel * channels + channel] : x[channel * area + pixel]
                        )
                    } else {
                        expected.append(0)
                    }
                }
            }
        }
        for team in [ComputeTeam.solo, ComputeTeam(size: 2)] {
            var found = [Float](repeating: .nan, count: expected.count)
            gatherPatches(
                x,
                layout: layout,
                channels: channels,
                height: shape.height,
                width: shape.width,
                kernel: kernel,
                stride: shape.stride,
                padTop: shape.padTop,
                padLeft: shape.padLeft,
                outHeight: shape.outHeight,
                outWidth: shape.outWidth,
                into: &found,
                team: team
            )
            #expect(found == expected)
        }
    }

    @Test(arguments: [(1, 1), (3, 5), (16, 16), (17, 40), (196, 192)])
    func transposeSwapsRowsAndColumns(shape: (rows: Int, columns: Int)) {
        let x = Samples.of(shape.rows * shape.columns, seed: 5)
        var found = [Float](repeating: .nan, count: x.count)
        transpose(x, rows: shape.rows, columns: shape.columns, into: &found)
        var expected: [Float] = []
        for column in 0..<shape.columns {
            for row in 0..<shape.rows { expected.append(x[row * shape.columns + column]) }
        }
        #expect(found == expected)
    }
}
