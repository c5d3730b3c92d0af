// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// A dense convolution: patches are gathered, then multiplied by the kernels as one product.
struct Convolution: Sendable {
    /// Kernels as a map of patch vectors in the order row, column, channel.
    let linear: PackedLinear
    let geometry: ConvolutionGeometry

    /// Floats of patch vectors that a member gathers at a time: they stay in its second-level cache until the product has
    /// read them.
    private static let gatheredLimit = 1 << 16

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
            let slab = slabHeight(next, teamSize: team.size)
            let memberCount = memberCount(slab, next)
            let scratch = workspace.take(team.size * memberCount)
            let (top, left) = (geometry.extent(shape.height).before, geometry.extent(shape.width).before)
            team.forEach((next.height + slab - 1) / slab) { index, member in
                let start = index * slab
                let height = min(slab, next.height - start)
                let patches = scratch + member * memberCount
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
                    team: .solo
                )
                linear(
                    patches,
                    rows: height * next.width,
                    into: target + start * next.width * next.channels,
                    epilogue: epilogue,
                    scratch: patches + Workspace.span(slab * next.width * linear.inputs),
                    team: .solo
                )
            }
        }
    }

    func workspaceCount(_ shape: MapShape, teamSize: Int) -> Int {
        let next = geometry.output(of: shape)
        if geometry.kernel == 1, geometry.stride == 1 {
            return Workspace.span(scratchCount(rows: next.rows, teamSize: teamSize))
        }
        return Workspace.span(teamSize * memberCount(slabHeight(next, teamSize: teamSize), next))
    }

    /// Output rows that a member makes at a time; every member has several to make, however few there are.
    private func slabHeight(_ next: MapShape, teamSize: Int) -> Int {
        let fitting = Self.gatheredLimit / (next.width * linear.inputs)
        let shared = teamSize == 1 ? next.height : next.height / (4 * teamSize)
        return max(1, min(fitting, shared, next.height))
    }

    /// Floats of one member: its patch vectors and the product's scratch.
    private func memberCount(_ slab: Int, _ next: MapShape) -> Int {
        let rows = slab * next.width
        return Workspace.span(rows * linear.inputs) + Workspace.span(scratchCount(rows: rows, teamSize: 1))
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
