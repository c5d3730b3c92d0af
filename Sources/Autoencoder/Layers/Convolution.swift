// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// A dense convolution: patches are gathered, then multiplied by the kernels as one product.
struct Convolution: Sendable {
    /// Kernels as a map of patch vectors in the order row, column, channel.
    let linear: Linear
    let geometry: ConvolutionGeometry

    /// Floats of patch vectors that a member gathers at a time: they stay in its second-level cache until the product
    /// has read them.
    private static let gatheredLimit = 1 << 16

    /// - `source`: `[images, height, width, channels]` of `shape`.
    /// - `target`: `[images, height, width, channels]` of `next`.
    /// - `adding`: whether the result is added to what `target` holds; only without an activation.
    func callAsFunction(
        _ source: UnsafePointer<Float>,
        _ shape: MapShape,
        images: Int,
        into target: UnsafeMutablePointer<Float>,
        _ next: MapShape,
        adding: Bool,
        in context: ComputeContext
    ) {
        let epilogue = adding ? .accumulate : geometry.activation.epilogue
        if geometry.kernel == 1, geometry.stride == 1 {
            linear(source, rows: images * next.rows, into: target, epilogue: epilogue, in: context)
            return
        }
        let slab = slabHeight(next, teamSize: context.team.size)
        let slabsPerImage = (next.height + slab - 1) / slab
        let (top, left) = (geometry.extent(shape.height).before, geometry.extent(shape.width).before)
        context.count(operations: linear.operations(rows: images * next.rows))
        context.forEach(images * slabsPerImage) { own in
            (
                patches: own.take(slab * next.width * linear.inputs),
                scratch: linear.scratch(rows: slab * next.width, from: &own)
            )
        } _: { index, buffers in
            let (image, place) = index.quotientAndRemainder(dividingBy: slabsPerImage)
            let start = place * slab
            let height = min(slab, next.height - start)
            gatherPatches(
                source + image * shape.count,
                layout: .channelsLast,
                channels: shape.channels,
                height: shape.height,
                width: shape.width,
                kernel: geometry.kernel,
                stride: geometry.stride,
                // A slab that begins further down has less padding above it.
                padTop: top - start * geometry.stride,
                padLeft: left,
                outHeight: height,
                outWidth: next.width,
                into: buffers.patches,
                team: .solo
            )
            linear.compute(
                buffers.patches,
                rows: height * next.width,
                into: target + image * next.count + start * next.width * next.channels,
                epilogue: epilogue,
                scratch: buffers.scratch
            )
        }
    }

    /// Output rows of one unit of work: few enough that every member gets several units.
    private func slabHeight(_ next: MapShape, teamSize: Int) -> Int {
        let fitting = Self.gatheredLimit / (next.width * linear.inputs)
        let shared = teamSize == 1 ? next.height : next.height / (4 * teamSize)
        return max(1, min(fitting, shared, next.height))
    }
}

/// A convolution with a kernel for each channel.
struct DepthwiseLayer: Sendable {
    let kernels: DepthwiseConv
    let geometry: ConvolutionGeometry

    /// - `source`: `[images, height, width, channels]` of `shape`.
    /// - `target`: `[images, height, width, channels]` of `next`.
    func callAsFunction(
        _ source: UnsafePointer<Float>,
        _ shape: MapShape,
        images: Int,
        into target: UnsafeMutablePointer<Float>,
        _ next: MapShape,
        in context: ComputeContext
    ) {
        context.count(operations: 2 * Double(images * next.count) * Double(geometry.kernel * geometry.kernel))
        context.compute {
            for image in 0..<images {
                kernels(
                    source + image * shape.count,
                    height: shape.height,
                    width: shape.width,
                    padTop: geometry.extent(shape.height).before,
                    padLeft: geometry.extent(shape.width).before,
                    outHeight: next.height,
                    outWidth: next.width,
                    into: target + image * next.count,
                    activation: geometry.activation.epilogue,
                    team: context.team
                )
            }
        }
    }
}

extension ConvolutionGeometry.Activation {
    var epilogue: Epilogue {
        switch self {
        case .none: .none
        case .relu: .relu
        case .relu6: .relu6
        case .silu: .silu
        case .gelu: .gelu
        }
    }
}
