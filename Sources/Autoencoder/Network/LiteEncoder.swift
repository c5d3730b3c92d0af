// SPDX-License-Identifier: Apache-2.0

import FrequencyBands
import TensorKernels

/// The `uae-lite` encoder: semantic trunk and detail path, mixed per channel and frequency.
struct LiteEncoder: Sendable {
    /// A trunk and the statistics that standardise its map.
    struct Semantic: Sendable {
        let trunk: ConvolutionStack
        let mean: ConstantVector
        let deviation: ConstantVector

        var channels: Int { trunk.output.channels }
    }

    /// Gains `[channels, gridSide, gridSide]` on the DCT coefficients of both sides of the mix.
    struct Modulator: Sendable {
        let semanticGain: ConstantVector
        let detailGain: ConstantVector?
    }

    let inputSide: Int
    let gridSide: Int
    let semantic: Semantic?
    let detail: ConvolutionStack?
    let modulator: Modulator?
    let spectrum: SpectralTransform

    private var tokenCount: Int { gridSide * gridSide }

    /// - `pixels`: `[inputSide, inputSide, 3]`.
    /// - `latent`: `[channels, gridSide, gridSide]`.
    func callAsFunction(
        _ pixels: UnsafePointer<Float>,
        into latent: UnsafeMutablePointer<Float>,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        workspace.scope {
            var filled = 0
            if let semantic {
                run(semantic.trunk, pixels, into: latent, workspace: workspace, team: team)
                standardize(latent, by: semantic)
                filled = semantic.channels * tokenCount
            }
            guard let detail else {
                if let modulator { mix(modulator, latent, nil, count: filled) }
                return
            }
            let details = workspace.take(detail.output.count)
            run(detail, pixels, into: details, workspace: workspace, team: team)
            var used = 0
            if let modulator {
                mix(modulator, latent, details, count: filled)
                used = filled
            }
            (latent + filled).update(from: details + used, count: detail.output.count - used)
        }
    }

    func workspaceCount(teamSize: Int) -> Int {
        let stacks = [semantic?.trunk, detail].compactMap(\.self).map {
            Workspace.span($0.output.count) + $0.workspaceCount(teamSize: teamSize)
        }
        return Workspace.span(detail?.output.count ?? 0) + (stacks.max() ?? 0)
    }

    /// Multiplications and additions for one picture.
    var floatingPointOperations: Double {
        (semantic?.trunk.floatingPointOperations ?? 0) + (detail?.floatingPointOperations ?? 0)
    }

    /// Runs a path and turns its map to channels first.
    private func run(
        _ stack: ConvolutionStack,
        _ pixels: UnsafePointer<Float>,
        into map: UnsafeMutablePointer<Float>,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        workspace.scope {
            let tokens = workspace.take(stack.output.count)
            stack(pixels, into: tokens, workspace: workspace, team: team)
            transpose(tokens, rows: stack.output.rows, columns: stack.output.channels, into: map)
        }
    }

    private func standardize(_ map: UnsafeMutablePointer<Float>, by semantic: Semantic) {
        for channel in 0..<semantic.channels {
            let (mean, deviation) = (semantic.mean.pointer[channel], semantic.deviation.pointer[channel])
            let plane = map + channel * tokenCount
            for index in 0..<tokenCount { plane[index] = (plane[index] - mean) / deviation }
        }
    }

    /// map = iDCT(semanticGain * DCT(map) + detailGain * DCT(details)); uses up the details' first channels.
    private func mix(
        _ modulator: Modulator,
        _ map: UnsafeMutablePointer<Float>,
        _ details: UnsafeMutablePointer<Float>?,
        count: Int
    ) {
        let channels = count / tokenCount
        spectrum.dct2D(map, channels: channels, into: map)
        let semanticGain = modulator.semanticGain.pointer
        if let details, let detailGain = modulator.detailGain?.pointer {
            spectrum.dct2D(details, channels: channels, into: details)
            for index in 0..<count {
                map[index] = semanticGain[index] * map[index] + detailGain[index] * details[index]
            }
        } else {
            for index in 0..<count { map[index] *= semanticGain[index] }
        }
        spectrum.inverseDCT2D(map, channels: channels, into: map)
    }
}

extension LiteEncoder {
    /// Names: `encoder.semantic.N...`, `encoder.semantic_mean`, `encoder.semantic_std`, `encoder.detail.N...`,
    /// `encoder.modulator.semantic_gain`, `encoder.modulator.detail_gain`.
    init(
        _ reader: WeightReader,
        sizes: LiteEncoderConfiguration,
        inputSide: Int,
        gridSide: Int,
        spectrum: SpectralTransform
    ) throws(ModelError) {
        let input = MapShape(height: inputSide, width: inputSide, channels: 3)
        self.inputSide = inputSide
        self.gridSide = gridSide
        self.spectrum = spectrum
        if let part = sizes.semantic {
            semantic = Semantic(
                trunk: try ConvolutionStack(reader, prefix: "encoder.semantic", layers: part.layers, input: input),
                mean: try reader.vector("encoder.semantic_mean", count: part.channels),
                deviation: try reader.vector("encoder.semantic_std", count: part.channels)
            )
        } else {
            semantic = nil
        }
        detail =
            sizes.detail.isEmpty
            ? nil : try ConvolutionStack(reader, prefix: "encoder.detail", layers: sizes.detail, input: input)
        if sizes.hasModulator, let part = sizes.semantic {
            let shape = [part.channels, gridSide, gridSide]
            modulator = Modulator(
                semanticGain: ConstantVector(try reader.tensor("encoder.modulator.semantic_gain", shape: shape)),
                detailGain: sizes.detail.isEmpty
                    ? nil : ConstantVector(try reader.tensor("encoder.modulator.detail_gain", shape: shape))
            )
        } else {
            modulator = nil
        }
    }
}
