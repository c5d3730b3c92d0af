// SPDX-License-Identifier: Apache-2.0

import FrequencyBands
import TensorKernels

/// The paper's first edition: a latent divided into radial bands, weighted, modulated and added up before decoding.
///
/// The latent that `encode` gives is the encoder's own; this module runs in front of the decoder, so that a caller who
/// sends a latent back may weight its bands.
struct FFTBandModule: Sendable {
    /// Two 3x3 convolutions with SiLU between them, over the bands side by side.
    struct Modulator: Sendable {
        let first: Convolution
        let second: Convolution
    }

    let bandCount: Int
    let channels: Int
    let gridSide: Int
    let projector: FFTBandProjector
    let modulator: Modulator?

    private var latentCount: Int { channels * gridSide * gridSide }
    private var bandShape: MapShape { MapShape(height: gridSide, width: gridSide, channels: bandCount * channels) }
    private var hiddenShape: MapShape {
        MapShape(height: gridSide, width: gridSide, channels: modulator?.first.linear.outputs ?? 0)
    }
    private var outputShape: MapShape { MapShape(height: gridSide, width: gridSide, channels: channels) }

    /// Replaces a latent `[channels, gridSide, gridSide]` by d + the sum of g_k b_k.
    ///
    /// - `gains`: one factor a band; nil for ones.
    func modulate(
        _ latent: UnsafeMutablePointer<Float>,
        gains: [Float]?,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        workspace.scope {
            let bands = workspace.take(bandShape.count)
            projector.split(latent, channels: channels, into: bands)
            if let gains {
                for (band, gain) in gains.enumerated() {
                    let values = bands + band * latentCount
                    for index in 0..<latentCount { values[index] *= gain }
                }
            }
            latent.update(from: bands, count: latentCount)
            for band in 1..<max(bandCount, 1) {
                let values = bands + band * latentCount
                for index in 0..<latentCount { latent[index] += values[index] }
            }
            guard let modulator else { return }
            let map = workspace.take(bandShape.count)
            let hidden = workspace.take(hiddenShape.count)
            let change = workspace.take(outputShape.count)
            transpose(bands, rows: bandShape.channels, columns: bandShape.rows, into: map)
            modulator.first(map, bandShape, into: hidden, hiddenShape, adding: false, workspace: workspace, team: team)
            modulator.second(
                hidden,
                hiddenShape,
                into: change,
                outputShape,
                adding: false,
                workspace: workspace,
                team: team
            )
            // The bands are no longer needed; their memory takes the change, channels first.
            transpose(change, rows: outputShape.rows, columns: channels, into: bands)
            for index in 0..<latentCount { latent[index] += bands[index] }
        }
    }

    /// Replaces a latent by its lowest band.
    func keepLowest(_ latent: UnsafeMutablePointer<Float>, workspace: Workspace) {
        workspace.scope {
            let bands = workspace.take(bandShape.count)
            projector.split(latent, channels: channels, into: bands)
            latent.update(from: bands, count: latentCount)
        }
    }

    func workspaceCount(teamSize: Int) -> Int {
        guard let modulator else { return Workspace.span(bandShape.count) }
        return 2 * Workspace.span(bandShape.count)
            + Workspace.span(hiddenShape.count)
            + Workspace.span(outputShape.count)
            + max(
                modulator.first.workspaceCount(bandShape, teamSize: teamSize),
                modulator.second.workspaceCount(hiddenShape, teamSize: teamSize)
            )
    }

    /// Multiplications and additions for one latent.
    var floatingPointOperations: Double {
        guard let modulator else { return 0 }
        return 2 * Double(gridSide * gridSide)
            * Double(
                modulator.first.linear.inputs * modulator.first.linear.outputs
                    + modulator.second.linear.inputs * modulator.second.linear.outputs
            )
    }
}

extension FFTBandModule {
    /// Names: `modulator.conv1.{weight,bias}` `[width, bands * channels, 3, 3]`, `modulator.conv2.{weight,bias}`.
    init(
        _ reader: WeightReader,
        configuration: ModelConfiguration,
        bands: FFTBandConfiguration,
        spectrum: SpectralTransform
    ) throws(ModelError) {
        bandCount = bands.bandCount
        channels = configuration.channels
        gridSide = configuration.gridSide
        do {
            projector = try FFTBandProjector(
                transform: spectrum,
                bandCount: bandCount,
                edges: bands.edges,
                shoulder: bands.shoulder
            )
        } catch {
            throw .bandSplit(path: configuration.name, error)
        }
        guard let width = bands.modulatorWidth else {
            modulator = nil
            return
        }
        modulator = Modulator(
            first: try Convolution(
                reader,
                prefix: "modulator.conv1",
                channels: bandCount * channels,
                outputs: width,
                geometry: ConvolutionGeometry(kernel: 3, padding: .symmetric, activation: .silu)
            ),
            second: try Convolution(
                reader,
                prefix: "modulator.conv2",
                channels: width,
                outputs: channels,
                geometry: ConvolutionGeometry(kernel: 3, padding: .symmetric, activation: .none)
            )
        )
    }
}
