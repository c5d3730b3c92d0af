// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// A list of convolutional layers over maps stored `[images, height, width, channels]`.
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
    /// Each layer with the shape of its output.
    let layers: [(layer: Layer, output: MapShape)]

    /// - `maps`: `[images, height, width, channels]` of `input`; not changed.
    /// - `result`: `[images, height, width, channels]` of `output`; must not overlap `maps`.
    func callAsFunction(
        _ maps: UnsafePointer<Float>,
        images: Int,
        into result: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        run(maps, images: images, into: result, adding: false, in: context)
    }

    /// Adds the stack's output to its input.
    ///
    /// Only for a stack that ``canAdd``.
    private func add(to maps: UnsafeMutablePointer<Float>, images: Int, in context: ComputeContext) {
        run(maps, images: images, into: maps, adding: true, in: context)
    }

    /// Whether the last layer can add to its target; the others write to buffers of their own.
    private var canAdd: Bool {
        guard layers.count > 1, case .convolution(let last) = layers[layers.count - 1].layer else { return false }
        return last.geometry.activation == .none
    }

    private func run(
        _ maps: UnsafePointer<Float>,
        images: Int,
        into result: UnsafeMutablePointer<Float>,
        adding: Bool,
        in context: ComputeContext
    ) {
        context.scope {
            // Two buffers take turns; the last layer writes the result.
            var (target, other) = (context.take(images * largest), context.take(images * largest))
            var source = maps
            var shape = input
            for (index, (layer, next)) in layers.enumerated() {
                let isLast = index == layers.count - 1
                if case .residual(let stack) = layer, index > 0, !isLast, stack.canAdd {
                    // The map is in the other buffer, which belongs to this stack.
                    stack.add(to: other, images: images, in: context)
                    continue
                }
                let step = ConvolutionStep(source: source, shape: shape, images: images, next: next)
                let destination = isLast ? result : target
                step.run(layer, into: destination, adding: isLast && adding, in: context)
                source = UnsafePointer(destination)
                shape = next
                swap(&target, &other)
            }
        }
    }

    /// The largest map between two layers.
    private var largest: Int {
        layers.dropLast().map(\.output.count).max() ?? 0
    }
}

/// One layer's work on the maps of a batch.
private struct ConvolutionStep {
    /// `[images, height, width, channels]` of `shape`.
    let source: UnsafePointer<Float>
    let shape: MapShape
    let images: Int
    /// The output for one image.
    let next: MapShape

    func run(
        _ layer: ConvolutionStack.Layer,
        into target: UnsafeMutablePointer<Float>,
        adding: Bool,
        in context: ComputeContext
    ) {
        switch layer {
        case .convolution(let convolution):
            convolution(source, shape, images: images, into: target, next, adding: adding, in: context)
        case .depthwise(let depthwise):
            depthwise(source, shape, images: images, into: target, next, in: context)
        case .layerNorm(let norm):
            norm(source, rows: images * shape.rows, into: target, in: context)
        case .scale(let factors):
            scale(by: factors.pointer, into: target, in: context)
        case .residual(let stack):
            stack(source, images: images, into: target, in: context)
            let width = shape.width * shape.channels
            context.forEach(images * shape.height) { y in
                for index in y * width..<(y + 1) * width { target[index] += source[index] }
            }
        case .upsample(let factor):
            upsample(by: factor, into: target, in: context)
        case .pixelShuffle(let factor):
            shufflePixels(by: factor, into: target, in: context)
        case .pixelUnshuffle(let factor):
            unshufflePixels(by: factor, into: target, in: context)
        }
    }

    // The rows of all images follow one another, and heights are divided and multiplied by whole factors, so that a
    // batch is one tall map to the layers below.

    private func scale(
        by factors: UnsafePointer<Float>,
        into target: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        context.forEach(images * shape.height) { y in
            for row in y * shape.width..<(y + 1) * shape.width {
                let place = row * shape.channels
                for channel in 0..<shape.channels {
                    target[place + channel] = source[place + channel] * factors[channel]
                }
            }
        }
    }

    private func upsample(by factor: Int, into target: UnsafeMutablePointer<Float>, in context: ComputeContext) {
        let width = shape.width * factor
        context.forEach(images * shape.height * factor) { y in
            for x in 0..<width {
                (target + (y * width + x) * shape.channels)
                    .update(
                        from: source + (y / factor * shape.width + x / factor) * shape.channels,
                        count: shape.channels
                    )
            }
        }
    }

    private func shufflePixels(by factor: Int, into target: UnsafeMutablePointer<Float>, in context: ComputeContext) {
        let square = factor * factor
        let (sourceWidth, sourceChannels) = (next.width / factor, next.channels * square)
        context.forEach(images * next.height) { y in
            for x in 0..<next.width {
                let place = source + (y / factor * sourceWidth + x / factor) * sourceChannels
                let within = y % factor * factor + x % factor
                let pixel = target + (y * next.width + x) * next.channels
                for channel in 0..<next.channels { pixel[channel] = place[channel * square + within] }
            }
        }
    }

    private func unshufflePixels(by factor: Int, into target: UnsafeMutablePointer<Float>, in context: ComputeContext) {
        let square = factor * factor
        let (targetWidth, targetChannels) = (shape.width / factor, shape.channels * square)
        context.forEach(images * shape.height) { y in
            for x in 0..<shape.width {
                let place = target + (y / factor * targetWidth + x / factor) * targetChannels
                let within = y % factor * factor + x % factor
                let pixel = source + (y * shape.width + x) * shape.channels
                for channel in 0..<shape.channels { place[channel * square + within] = pixel[channel] }
            }
        }
    }
}
