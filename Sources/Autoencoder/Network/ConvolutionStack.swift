// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// A list of convolutional layers over maps stored `[height, width, channels]`.
struct ConvolutionStack: Sendable {
    indirect enum Layer: Sendable {
        case convolution(Convolution)
        case depthwise(DepthwiseLayer)
        case layerNorm(LayerNorm)
        case scale(ConstantVector)
        case residual(ConvolutionStack)
        case upsample(factor: Int)
        case pixelShuffle(factor: Int)
        case pixelUnshuffle(factor: Int)
    }

    let input: MapShape
    let output: MapShape
    /// Each layer with the shape that it makes.
    let layers: [(layer: Layer, output: MapShape)]

    /// - `map`: `[height, width, channels]` of `input`; a stack of one residual or scale leaves it unchanged too.
    /// - `result`: `[height, width, channels]` of `output`.
    func callAsFunction(
        _ map: UnsafePointer<Float>,
        into result: UnsafeMutablePointer<Float>,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        workspace.scope {
            // Two buffers take turns; the last layer writes the result.
            let buffers = (workspace.take(largest), workspace.take(largest))
            var source = map
            var shape = input
            for (index, (layer, next)) in layers.enumerated() {
                let target = index == layers.count - 1 ? result : (index.isMultiple(of: 2) ? buffers.0 : buffers.1)
                Self.run(layer, source, shape, into: target, next, workspace: workspace, team: team)
                source = UnsafePointer(target)
                shape = next
            }
        }
    }

    func workspaceCount(teamSize: Int) -> Int {
        var inner = 0
        var shape = input
        for (layer, next) in layers {
            switch layer {
            case .convolution(let convolution):
                inner = max(inner, convolution.workspaceCount(shape, teamSize: teamSize))
            case .residual(let stack):
                inner = max(inner, stack.workspaceCount(teamSize: teamSize))
            case .depthwise, .layerNorm, .scale, .upsample, .pixelShuffle, .pixelUnshuffle:
                break
            }
            shape = next
        }
        return 2 * Workspace.span(largest) + inner
    }

    /// Multiplications and additions for one map.
    var floatingPointOperations: Double {
        layers.reduce(0) { sum, step in
            switch step.layer {
            case .convolution(let layer):
                sum + 2 * Double(step.output.count) * Double(layer.linear.inputs)
            case .depthwise(let layer):
                sum + 2 * Double(step.output.count) * Double(layer.geometry.kernel * layer.geometry.kernel)
            case .residual(let stack):
                sum + stack.floatingPointOperations
            case .layerNorm, .scale, .upsample, .pixelShuffle, .pixelUnshuffle:
                sum
            }
        }
    }

    /// The largest map between two layers.
    private var largest: Int {
        layers.dropLast().map(\.output.count).max() ?? 0
    }

    private static func run(
        _ layer: Layer,
        _ source: UnsafePointer<Float>,
        _ shape: MapShape,
        into target: UnsafeMutablePointer<Float>,
        _ next: MapShape,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        switch layer {
        case .convolution(let convolution):
            convolution(source, shape, into: target, next, workspace: workspace, team: team)
        case .depthwise(let depthwise):
            depthwise(source, shape, into: target, next, team: team)
        case .layerNorm(let norm):
            norm(source, rows: shape.rows, into: target, team: team)
        case .scale(let factors):
            for row in 0..<shape.rows {
                let place = row * shape.channels
                for channel in 0..<shape.channels {
                    target[place + channel] = source[place + channel] * factors.pointer[channel]
                }
            }
        case .residual(let stack):
            stack(source, into: target, workspace: workspace, team: team)
            for index in 0..<shape.count { target[index] += source[index] }
        case .upsample(let factor):
            upsample(source, shape, factor: factor, into: target)
        case .pixelShuffle(let factor):
            shufflePixels(source, next, factor: factor, into: target)
        case .pixelUnshuffle(let factor):
            unshufflePixels(source, shape, factor: factor, into: target)
        }
    }

    private static func upsample(
        _ source: UnsafePointer<Float>,
        _ shape: MapShape,
        factor: Int,
        into target: UnsafeMutablePointer<Float>
    ) {
        let width = shape.width * factor
        for y in 0..<shape.height * factor {
            for x in 0..<width {
                (target + (y * width + x) * shape.channels)
                    .update(
                        from: source + (y / factor * shape.width + x / factor) * shape.channels,
                        count: shape.channels
                    )
            }
        }
    }

    private static func shufflePixels(
        _ source: UnsafePointer<Float>,
        _ next: MapShape,
        factor: Int,
        into target: UnsafeMutablePointer<Float>
    ) {
        let square = factor * factor
        let (sourceWidth, sourceChannels) = (next.width / factor, next.channels * square)
        for y in 0..<next.height {
            for x in 0..<next.width {
                let place = source + (y / factor * sourceWidth + x / factor) * sourceChannels
                let within = y % factor * factor + x % factor
                let pixel = target + (y * next.width + x) * next.channels
                for channel in 0..<next.channels { pixel[channel] = place[channel * square + within] }
            }
        }
    }

    private static func unshufflePixels(
        _ source: UnsafePointer<Float>,
        _ shape: MapShape,
        factor: Int,
        into target: UnsafeMutablePointer<Float>
    ) {
        let square = factor * factor
        let (targetWidth, targetChannels) = (shape.width / factor, shape.channels * square)
        for y in 0..<shape.height {
            for x in 0..<shape.width {
                let place = target + (y / factor * targetWidth + x / factor) * targetChannels
                let within = y % factor * factor + x % factor
                let pixel = source + (y * shape.width + x) * shape.channels
                for channel in 0..<shape.channels { place[channel * square + within] = pixel[channel] }
            }
        }
    }
}
