// SPDX-License-Identifier: Apache-2.0

/// How each output element along one axis is a weighted sum of input elements; all in fp32, as PyTorch computes it.
package struct AxisResampling: Sendable {
    package let inputCount: Int
    package let outputCount: Int
    /// Weights for each output.
    package let tapCount: Int
    /// `[outputCount, tapCount]`: which input each weight belongs to.
    package let indices: [Int32]
    /// `[outputCount, tapCount]`.
    package let weights: [Float]

    private init(inputCount: Int, outputCount: Int, tapCount: Int, taps: (Int) -> [(index: Int, weight: Float)]) {
        self.inputCount = inputCount
        self.outputCount = outputCount
        self.tapCount = tapCount
        var indices: [Int32] = []
        var weights: [Float] = []
        for output in 0..<outputCount {
            let taps = taps(output)
            for position in 0..<tapCount {
                // Missing taps repeat the last place with weight 0.
                let last = taps[min(position, taps.count - 1)]
                indices.append(Int32(min(max(last.index, 0), inputCount - 1)))
                weights.append(position < taps.count ? last.weight : 0)
            }
        }
        self.indices = indices
        self.weights = weights
    }

    /// `interpolate(mode="bicubic", align_corners=False)`: a = -0.75, half-pixel centres, borders clamped.
    package static func bicubic(from inputCount: Int, to outputCount: Int) -> AxisResampling {
        let scale = Float(inputCount) / Float(outputCount)
        return AxisResampling(inputCount: inputCount, outputCount: outputCount, tapCount: 4) { output in
            let source = scale * (Float(output) + 0.5) - 0.5
            let first = source.rounded(.down)
            return cubicWeights(source - first).enumerated().map { (Int(first) - 1 + $0, $1) }
        }
    }

    /// `interpolate(mode="bilinear", align_corners=False)`.
    package static func bilinear(from inputCount: Int, to outputCount: Int) -> AxisResampling {
        let scale = Float(inputCount) / Float(outputCount)
        return AxisResampling(inputCount: inputCount, outputCount: outputCount, tapCount: 2) { output in
            let source = max(scale * (Float(output) + 0.5) - 0.5, 0)
            let first = source.rounded(.down)
            return [(Int(first), 1 - (source - first)), (Int(first) + 1, source - first)]
        }
    }

    /// `interpolate(mode="bicubic", antialias=True)`: Pillow's filter (a = -0.5, widened when shrinking), in fp32.
    package static func antialiasedBicubic(from inputCount: Int, to outputCount: Int) -> AxisResampling {
        let scale = Float(inputCount) / Float(outputCount)
        let widening = max(scale, 1)
        let support = 2 * widening
        let taps = (0..<outputCount).map { output -> [(index: Int, weight: Float)] in
            let centre = scale * (Float(output) + 0.5)
            let first = max(Int(centre - support + 0.5), 0)
            let end = min(Int(centre + support + 0.5), inputCount)
            let weights = (first..<end).map { catmullRom((Float($0) - centre + 0.5) / widening) }
            let sum = weights.reduce(0, +)
            return zip(first..<end, weights).map { ($0, $1 / sum) }
        }
        let tapCount = taps.map(\.count).max() ?? 1
        return AxisResampling(inputCount: inputCount, outputCount: outputCount, tapCount: tapCount) { taps[$0] }
    }

    /// Resamples rows of `width` floats that follow one another: `[inputCount, width] -> [outputCount, width]`.
    package func resampleRows(
        _ input: UnsafePointer<Float>,
        width: Int,
        into output: UnsafeMutablePointer<Float>
    ) {
        for row in 0..<outputCount {
            let sum = output + row * width
            for tap in 0..<tapCount {
                let weight = weights[row * tapCount + tap]
                let source = input + Int(indices[row * tapCount + tap]) * width
                if tap == 0 {
                    for column in 0..<width { sum[column] = weight * source[column] }
                } else {
                    for column in 0..<width { sum[column] += weight * source[column] }
                }
            }
        }
    }

    /// Resamples one row of `inputCount` floats.
    package func resampleRow(_ input: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>) {
        for column in 0..<outputCount {
            var sum: Float = 0
            for tap in column * tapCount..<(column + 1) * tapCount {
                sum += weights[tap] * input[Int(indices[tap])]
            }
            output[column] = sum
        }
    }

    /// The four weights of the cubic convolution with a = -0.75 at distance `t` behind the second place, each step
    /// rounded as PyTorch does: another form of the same cubic moves latents by 4e-5.
    private static func cubicWeights(_ t: Float) -> [Float] {
        let a: Float = -0.75
        func near(_ x: Float) -> Float { ((a + 2) * x - (a + 3)) * x * x + 1 }
        func far(_ x: Float) -> Float { ((a * x - 5 * a) * x + 8 * a) * x - 4 * a }
        return [far(t + 1), near(t), near(1 - t), far((1 - t) + 1)]
    }

    private static func catmullRom(_ distance: Float) -> Float {
        let a: Float = -0.5
        let x = abs(distance)
        if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
        return 0
    }
}
