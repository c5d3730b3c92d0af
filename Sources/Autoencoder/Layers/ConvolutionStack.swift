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

    /// - `map`: `[height, width, channels]` of `input`; left as it is.
    /// - `result`: `[height, width, channels]` of `output`; must not overlap `map`.
    func callAsFunction(
        _ map: UnsafePointer<Float>,
        into result: UnsafeMutablePointer<Float>,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        run(map, into: result, adding: false, workspace: workspace, team: team)
    }

    /// Adds what the stack makes of a map to the map itself.
    ///
    /// Only for a stack that ``canAdd``.
    private func add(to map: UnsafeMutablePointer<Float>, workspace: Workspace, team: ComputeTeam) {
        run(map, into: map, adding: true, workspace: workspace, team: team)
    }

    /// Whether the last layer can add to what is there while all others work elsewhere.
    private var canAdd: Bool {
        guard layers.count > 1, case .convolution(let last) = layers[layers.count - 1].layer else { return false }
        return last.geometry.activation == .none
    }

    private func run(
        _ map: UnsafePointer<Float>,
        into result: UnsafeMutablePointer<Float>,
        adding: Bool,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        workspace.scope {
            // Two buffers take turns; the last layer writes the result.
            var (target, other) = (workspace.take(largest), workspace.take(largest))
            var source = map
            var shape = input
            for (index, (layer, next)) in layers.enumerated() {
                let isLast = index == layers.count - 1
                if case .residual(let stack) = layer, index > 0, !isLast, stack.canAdd {
                    // The map lies in the other buffer, which is this stack's own to change.
                    stack.add(to: other, workspace: workspace, team: team)
                    continue
                }
                let destination = isLast ? result : target
                let adds = isLast && adding
                Self.run(layer, source, shape, into: destination, next, adding: adds, workspace: workspace, team: team)
                source = UnsafePointer(destination)
                shape = next
                swap(&target, &other)
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
        adding: Bool,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        switch layer {
        case .convolution(let convolution):
            convolution(source, shape, into: target, next, adding: adding, workspace: workspace, team: team)
        case .depthwise(let depthwise):
            depthwise(source, shape, into: target, next, team: team)
        case .layerNorm(let norm):
            norm(source, rows: shape.rows, into: target, team: team)
        case .scale(let factors):
            team.forEach(shape.height) { y, _ in
                for row in y * shape.width..<(y + 1) * shape.width {
                    let place = row * shape.channels
                    for channel in 0..<shape.channels {
                        target[place + channel] = source[place + channel] * factors.pointer[channel]
                    }
                }
            }
        case .residual(let stack):
            stack(source, into: target, workspace: workspace, team: team)
            let width = shape.width * shape.channels
            team.forEach(shape.height) { y, _ in
                for index in y * width..<(y + 1) * width { target[index] += source[index] }
            }
        case .upsample(let factor):
            upsample(source, shape, factor: factor, into: target, team: team)
        case .pixelShuffle(let factor):
            shufflePixels(source, next, factor: factor, into: target, team: team)
        case .pixelUnshuffle(let factor):
            unshufflePixels(source, shape, factor: factor, into: target, team: team)
        }
    }

    private static func upsample(
        _ source: UnsafePointer<Float>,
        _ shape: MapShape,
        factor: Int,
        into target: UnsafeMutablePointer<Float>,
        team: ComputeTeam
    ) {
        let width = shape.width * factor
        team.forEach(shape.height * factor) { y, _ in
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
        into target: UnsafeMutablePointer<Float>,
        team: ComputeTeam
    ) {
        let square = factor * factor
        let (sourceWidth, sourceChannels) = (next.width / factor, next.channels * square)
        team.forEach(next.height) { y, _ in
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
        into target: UnsafeMutablePointer<Float>,
        team: ComputeTeam
    ) {
        let square = factor * factor
        let (targetWidth, targetChannels) = (shape.width / factor, shape.channels * square)
        team.forEach(shape.height) { y, _ in
            for x in 0..<shape.width {
                let place = target + (y / factor * targetWidth + x / factor) * targetChannels
                let within = y % factor * factor + x % factor
                let pixel = source + (y * shape.width + x) * shape.channels
                for channel in 0..<shape.channels { place[channel * square + within] = pixel[channel] }
            }
        }
    }
}
