// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// From a latent to a picture: the sum of the model's decoder paths, then mean and deviation.
struct Decoder: Sendable {
    /// A decoded picture, still in the workspace.
    struct Output {
        /// `[gridSide², patchSide, patchSide, 3]`; nil when no path paints patches.
        let patches: UnsafePointer<Float>?
        /// `[side, side, 3]`; nil when there is no convolutional path.
        let map: UnsafePointer<Float>?
        let gridSide: Int
        /// Side in pixels.
        let side: Int
    }

    let channels: Int
    let latentSide: Int
    let configuration: DecoderConfiguration
    let transformer: TransformerDecoder?
    let linear: PackedLinear?
    let convolutional: ConvolutionStack?
    /// What takes the place of all other paths in packing models.
    let packing: PackingDecoder?
    private let mean: [Float]
    private let deviation: [Float]

    init(
        _ reader: WeightReader,
        configuration model: ModelConfiguration,
        packing: SpectralPacking?
    ) throws(ModelError) {
        configuration = model.decoder
        channels = model.channels
        latentSide = model.gridSide
        mean = configuration.mean.map { Float($0) }
        deviation = configuration.deviation.map { Float($0) }
        if let sizes = configuration.transformer {
            transformer = try TransformerDecoder(reader, configuration: model, sizes: sizes)
        } else {
            transformer = nil
        }
        linear =
            configuration.hasLinear
            ? try reader.linear("decoder.linear", outputs: configuration.patchCount, inputs: channels) : nil
        var stack: ConvolutionStack?
        if !configuration.convolutional.isEmpty {
            stack = try ConvolutionStack(
                reader,
                prefix: "decoder.convolutional",
                layers: configuration.convolutional,
                input: packing.map { MapShape(height: $0.side, width: $0.side, channels: 3) }
                    ?? MapShape(height: latentSide, width: latentSide, channels: channels)
            )
        }
        self.packing = packing.map { PackingDecoder(packing: $0, refinement: stack) }
        convolutional = packing == nil ? stack : nil
    }

    /// Side in pixels of what comes out for a latent of `side`.
    func outputSide(side: Int) -> Int {
        side == latentSide ? configuration.outputSide : side * configuration.patchSide
    }

    /// Whether a part of the latent's tokens can be decoded by itself.
    var decodesCompactly: Bool { convolutional == nil && packing == nil }

    /// Decodes and lends the result to `body`.
    ///
    /// - `latent`: `[channels, side, side]`.
    /// - `side`: the latent's side, or less for the reference's compact decode.
    func callAsFunction(
        _ latent: UnsafePointer<Float>,
        side: Int,
        workspace: Workspace,
        team: ComputeTeam,
        _ body: (Output) -> Void
    ) {
        if let packing {
            return workspace.scope {
                let picture = workspace.take(packing.packing.planeCount)
                packing(latent, into: picture, workspace: workspace, team: team)
                let grid = configuration.outputSide / configuration.patchSide
                body(Output(patches: nil, map: UnsafePointer(picture), gridSide: grid, side: configuration.outputSide))
            }
        }
        workspace.scope {
            let tokens = workspace.take(side * side * channels)
            transpose(latent, rows: channels, columns: side * side, into: tokens)
            let grid = outputSide(side: side) / configuration.patchSide
            var patches: UnsafePointer<Float>?
            if transformer != nil || linear != nil {
                let target = workspace.take(grid * grid * configuration.patchCount)
                transformer?(tokens, side: side, into: target, workspace: workspace, team: team)
                if let linear {
                    workspace.scope {
                        let scratch = workspace.take(linearScratchCount(teamSize: team.size))
                        linear(
                            tokens,
                            rows: side * side,
                            into: target,
                            epilogue: transformer == nil ? .none : .accumulate,
                            scratch: scratch,
                            team: team
                        )
                    }
                }
                patches = UnsafePointer(target)
            }
            var map: UnsafePointer<Float>?
            if let convolutional {
                let target = workspace.take(convolutional.output.count)
                convolutional(tokens, into: target, workspace: workspace, team: team)
                map = UnsafePointer(target)
            }
            body(Output(patches: patches, map: map, gridSide: grid, side: outputSide(side: side)))
        }
    }

    /// Hands each value of the picture, not clamped, to `body` with its row, column and colour.
    @inline(__always)
    func forEachValue(of output: Output, _ body: (_ y: Int, _ x: Int, _ colour: Int, _ value: Float) -> Void) {
        let patch = configuration.patchSide
        let colours = (mean[0], mean[1], mean[2])
        let scales = (deviation[0], deviation[1], deviation[2])
        for y in 0..<output.side {
            for tokenColumn in 0..<output.gridSide {
                let token = y / patch * output.gridSide + tokenColumn
                let row = output.patches.map { $0 + (token * patch + y % patch) * patch * 3 }
                for column in 0..<patch {
                    let x = tokenColumn * patch + column
                    var (red, green, blue) = (Float(0), Float(0), Float(0))
                    if let row {
                        (red, green, blue) = (row[column * 3], row[column * 3 + 1], row[column * 3 + 2])
                    }
                    if let map = output.map {
                        let pixel = map + (y * output.side + x) * 3
                        red += pixel[0]
                        green += pixel[1]
                        blue += pixel[2]
                    }
                    body(y, x, 0, red * scales.0 + colours.0)
                    body(y, x, 1, green * scales.1 + colours.1)
                    body(y, x, 2, blue * scales.2 + colours.2)
                }
            }
        }
    }

    func workspaceCount(teamSize: Int) -> Int {
        if let packing {
            return Workspace.span(packing.packing.planeCount) + packing.workspaceCount(teamSize: teamSize)
        }
        let grid = configuration.outputSide / configuration.patchSide
        let tokens = Workspace.span(latentSide * latentSide * channels)
        let patches = Workspace.span(max(grid * grid, latentSide * latentSide) * configuration.patchCount)
        let map = Workspace.span(convolutional?.output.count ?? 0)
        return tokens + patches + map
            + max(
                transformer?.workspaceCount(teamSize: teamSize) ?? 0,
                Workspace.span(linearScratchCount(teamSize: teamSize)),
                convolutional?.workspaceCount(teamSize: teamSize) ?? 0
            )
    }

    /// Multiplications and additions for one picture.
    var floatingPointOperations: Double {
        let plain = linear.map { 2 * Double(latentSide * latentSide) * Double($0.inputs * $0.outputs) } ?? 0
        return plain + (transformer?.floatingPointOperations ?? 0) + (convolutional?.floatingPointOperations ?? 0)
            + (packing?.refinement?.floatingPointOperations ?? 0)
    }

    private func linearScratchCount(teamSize: Int) -> Int {
        linear == nil
            ? 0 : PackedLinear.scratchCount(rows: latentSide * latentSide, inputs: channels, teamSize: teamSize)
    }
}
