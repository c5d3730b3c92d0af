// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// A dense convolution: patches are gathered, then multiplied by the kernels as one product.
struct Convolution: Sendable {
    /// Kernels as a map of patch vectors in the order row, column, channel.
    let linear: PackedLinear
    let geometry: ConvolutionGeometry

    /// Floats of patch vectors that are gathered at a time, so that a large map does not need a huge buffer.
    private static let gatheredLimit = 1 << 22

    /// - `source`: `[height, width, channels]` of `shape`.
    /// - `target`: `[height, width, channels]` of `next`.
    /// - `adding`: whether the result is added to what `target` holds; only without an activation.
    func callAsFunction(
        _ source: UnsafePointer<Float>,
        _ shape: MapShape,
        into target: UnsafeMutablePointer<Float>,
        _ next: MapShape,
        adding: Bool,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        let epilogue = adding ? .accumulate : geometry.activation.epilogue
        workspace.scope {
            if geometry.kernel == 1, geometry.stride == 1 {
                let scratch = workspace.take(scratchCount(rows: next.rows, teamSize: team.size))
                linear(source, rows: next.rows, into: target, epilogue: epilogue, scratch: scratch, team: team)
                return
            }
            let slab = slabHeight(next)
            let patches = workspace.take(slab * next.width * linear.inputs)
            let scratch = workspace.take(scratchCount(rows: slab * next.width, teamSize: team.size))
            let (top, left) = (geometry.extent(shape.height).before, geometry.extent(shape.width).before)
            for start in stride(from: 0, to: next.height, by: slab) {
                let height = min(slab, next.height - start)
                gatherPatches(
                    source,
                    layout: .channelsLast,
                    channels: shape.channels,
                    height: shape.height,
                    width: shape.width,
                    kernel: geometry.kernel,
                    stride: geometry.stride,
                    // A slab further down begins that many rows lower, which is a smaller padding.
                    padTop: top - start * geometry.stride,
                    padLeft: left,
                    outHeight: height,
                    outWidth: next.width,
                    into: patches,
                    team: team
                )
                linear(
                    patches,
                    rows: height * next.width,
                    into: target + start * next.width * next.channels,
                    epilogue: epilogue,
                    scratch: scratch,
                    team: team
                )
            }
        }
    }

    func workspaceCount(_ shape: MapShape, teamSize: Int) -> Int {
        let next = geometry.output(of: shape)
        if geometry.kernel == 1, geometry.stride == 1 {
            return Workspace.span(scratchCount(rows: next.rows, teamSize: teamSize))
        }
        let rows = slabHeight(next) * next.width
        return Workspace.span(rows * linear.inputs) + Workspace.span(scratchCount(rows: rows, teamSize: teamSize))
    }

    /// Output rows that are made at a time.
    private func slabHeight(_ next: MapShape) -> Int {
        min(next.height, max(1, Self.gatheredLimit / (next.width * linear.inputs)))
    }

    private func scratchCount(rows: Int, teamSize: Int) -> Int {
        PackedLinear.scratchCount(rows: rows, inputs: linear.inputs, teamSize: teamSize)
    }
}

/// A convolution with a kernel for each channel.
struct DepthwiseLayer: Sendable {
    let kernels: DepthwiseConv
    let geometry: ConvolutionGeometry

    func callAsFunction(
        _ source: UnsafePointer<Float>,
        _ shape: MapShape,
        into target: UnsafeMutablePointer<Float>,
        _ next: MapShape,
        team: ComputeTeam
    ) {
        kernels(
            source,
            height: shape.height,
            width: shape.width,
            padTop: geometry.extent(shape.height).before,
            padLeft: geometry.extent(shape.width).before,
            outHeight: next.height,
            outWidth: next.width,
            into: target,
            activation: geometry.activation.epilogue,
            team: team
        )
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
