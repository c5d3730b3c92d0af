// SPDX-License-Identifier: Apache-2.0

import FrequencyBands
import TensorKernels

/// The frequency module of the paper's first edition, the last step of its encoder: the latent's FFT bands are
/// conditioned, mixed and denoised, and their sum is the latent.
///
/// The decoder knows nothing of bands.
///
/// - Source: docs/model.md, "First edition".
struct FFTBands: Sendable {
    let bandCount: Int
    let channels: Int
    let gridSide: Int
    let rings: RingBands
    /// `[bandCount, bandCount]`, all mixing layers in one; nil for none.
    ///
    /// New band i is the sum over j of mixing[i, j] times band j.
    let mixing: [Float]?
    /// Whether bands above the request's `freq_ratio` become zero; `noise_only` models leave them as they are.
    let cutsBands: Bool
    /// The two 3x3 convolutions of the denoiser, from the bands side by side to one map.
    let first: Convolution
    let second: Convolution

    private var latentCount: Int { channels * gridSide * gridSide }
    private var bandShape: MapShape { MapShape(height: gridSide, width: gridSide, channels: bandCount * channels) }
    private var hiddenShape: MapShape { MapShape(height: gridSide, width: gridSide, channels: first.linear.outputs) }
    private var outputShape: MapShape { MapShape(height: gridSide, width: gridSide, channels: channels) }

    /// Bands that a `freq_ratio` keeps: at least one, counted in fp32 as the authors' code does.
    func keptBands(ratio: Float) -> Int {
        max(1, Int((min(max(ratio, 0), 1) * Float(bandCount)).rounded(.up)))
    }

    /// Replaces the encoder's map `[channels, gridSide, gridSide]` by the latent.
    ///
    /// - `ratio`: the authors' `freq_ratio`.
    /// - `observe`: is lent the mixed bands `[bandCount, channels, gridSide, gridSide]`.
    func callAsFunction(
        _ latent: UnsafeMutablePointer<Float>,
        ratio: Float,
        workspace: Workspace,
        team: ComputeTeam,
        observe: (UnsafePointer<Float>) -> Void
    ) {
        workspace.scope {
            let bands = workspace.take(bandShape.count)
            let map = workspace.take(bandShape.count)
            split(latent, into: bands, workspace: workspace, team: team)
            if cutsBands {
                let kept = keptBands(ratio: ratio)
                (bands + kept * latentCount).update(repeating: 0, count: (bandCount - kept) * latentCount)
            }
            if let mixing { mix(bands, by: mixing, team: team) }
            observe(bands)
            addUp(bands, into: latent, team: team)
            transpose(bands, rows: bandShape.channels, columns: bandShape.rows, into: map)
            denoise(map, into: latent, workspace: workspace, team: team)
        }
    }

    private func split(
        _ latent: UnsafePointer<Float>,
        into bands: UnsafeMutablePointer<Float>,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        workspace.scope {
            let scratch = workspace.take(team.size * Workspace.span(rings.scratchCount))
            let area = gridSide * gridSide
            team.forEachPart(of: channels) { first, count, member in
                rings.split(
                    latent + first * area,
                    channels: count,
                    into: bands + first * area,
                    stride: latentCount,
                    scratch: scratch + member * Workspace.span(rings.scratchCount)
                )
            }
        }
    }

    /// Mixes the bands in place.
    private func mix(_ bands: UnsafeMutablePointer<Float>, by matrix: [Float], team: ComputeTeam) {
        let count = bandCount
        team.forEachPart(of: channels) { channel, channelCount, _ in
            matrix.withUnsafeBufferPointer { matrix in
                // One value of each band; small, so that it lies on the stack.
                withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { values in
                    for place in channel * gridSide * gridSide..<(channel + channelCount) * gridSide * gridSide {
                        for band in 0..<count { values[band] = bands[band * latentCount + place] }
                        for row in 0..<count {
                            var sum: Float = 0
                            for band in 0..<count { sum += matrix[row * count + band] * values[band] }
                            bands[row * latentCount + place] = sum
                        }
                    }
                }
            }
        }
    }

    private func addUp(
        _ bands: UnsafePointer<Float>,
        into latent: UnsafeMutablePointer<Float>,
        team: ComputeTeam
    ) {
        let area = gridSide * gridSide
        team.forEachPart(of: channels) { first, count, _ in
            for place in first * area..<(first + count) * area {
                var sum: Float = 0
                for band in 0..<bandCount { sum += bands[band * latentCount + place] }
                latent[place] = sum
            }
        }
    }

    /// Adds the denoiser's output to the latent.
    ///
    /// - `map`: `[gridSide, gridSide, bandCount * channels]`.
    private func denoise(
        _ map: UnsafePointer<Float>,
        into latent: UnsafeMutablePointer<Float>,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        workspace.scope {
            let hidden = workspace.take(hiddenShape.count)
            let change = workspace.take(outputShape.count)
            first(map, bandShape, into: hidden, hiddenShape, adding: false, workspace: workspace, team: team)
            second(hidden, hiddenShape, into: change, outputShape, adding: false, workspace: workspace, team: team)
            let area = gridSide * gridSide
            for channel in 0..<channels {
                for place in 0..<area { latent[channel * area + place] += change[place * channels + channel] }
            }
        }
    }

    /// Energy of each mixed band: the mean of its squares.
    func energies(ofBands bands: UnsafePointer<Float>) -> [Double] {
        (0..<bandCount).map { band in
            var sum = 0.0
            for index in band * latentCount..<(band + 1) * latentCount {
                let value = Double(bands[index])
                sum += value * value
            }
            return sum / Double(latentCount)
        }
    }

    func workspaceCount(teamSize: Int) -> Int {
        2 * Workspace.span(bandShape.count)
            + max(
                Workspace.span(teamSize * Workspace.span(rings.scratchCount)),
                Workspace.span(hiddenShape.count)
                    + Workspace.span(outputShape.count)
                    + max(
                        first.workspaceCount(bandShape, teamSize: teamSize),
                        second.workspaceCount(hiddenShape, teamSize: teamSize)
                    )
            )
    }

    /// Multiplications and additions for one latent.
    var floatingPointOperations: Double {
        2 * Double(gridSide * gridSide)
            * Double(first.linear.inputs * first.linear.outputs + second.linear.inputs * second.linear.outputs)
    }
}

extension FFTBands {
    /// How the authors' checkpoints spell the module's tensors.
    private enum Names {
        static let mixing = "freq_modulator.band_transform.layers"
        static let first = "freq_modulator.denoiser.0"
        static let second = "freq_modulator.denoiser.2"
    }

    init(
        _ reader: WeightReader,
        configuration: ModelConfiguration,
        bands: FFTBandConfiguration,
        fft: FFT2D
    ) throws(ModelError) {
        channels = configuration.channels
        gridSide = configuration.gridSide
        rings = RingBands(transform: fft, radii: bands.radii(gridSide: gridSide))
        bandCount = rings.bandCount
        cutsBands = bands.condition == .mask
        mixing = try Self.mixing(reader, layers: bands.mixingLayers, bandCount: bandCount)
        first = try Convolution(
            reader,
            prefix: Names.first,
            channels: bandCount * channels,
            outputs: bands.denoiserWidth,
            geometry: ConvolutionGeometry(kernel: 3, padding: .symmetric, activation: .silu)
        )
        second = try Convolution(
            reader,
            prefix: Names.second,
            channels: bands.denoiserWidth,
            outputs: channels,
            geometry: ConvolutionGeometry(kernel: 3, padding: .symmetric, activation: .none)
        )
    }

    /// The product of the mixing layers, the first layer rightmost; nil without layers.
    private static func mixing(
        _ reader: WeightReader,
        layers: Int,
        bandCount: Int
    ) throws(ModelError) -> [Float]? {
        guard layers > 0 else { return nil }
        var product: [Double] = []
        for layer in 0..<layers {
            let weight = try reader.tensor("\(Names.mixing).\(layer).weight", shape: [bandCount, bandCount])
            if product.isEmpty {
                product = weight.map(Double.init)
                continue
            }
            product = (0..<bandCount * bandCount).map { index in
                let (row, column) = index.quotientAndRemainder(dividingBy: bandCount)
                return (0..<bandCount).reduce(0) { sum, inner in
                    sum + Double(weight[row * bandCount + inner]) * product[inner * bandCount + column]
                }
            }
        }
        return product.map { Float($0) }
    }

    /// Every tensor that the module needs.
    static func tensors(channels: Int, bands: FFTBandConfiguration) -> [TensorDescription] {
        let (count, width) = (bands.schedule.count, bands.denoiserWidth)
        func convolution(_ name: String, outputs: Int, inputs: Int) -> [TensorDescription] {
            [
                TensorDescription(
                    name + ".weight",
                    [outputs, inputs, 3, 3],
                    .spread(1 / Double(inputs * 9).squareRoot())
                ),
                TensorDescription(name + ".bias", [outputs], .spread(0.02)),
            ]
        }
        return (0..<bands.mixingLayers).map { layer in
            TensorDescription(
                "\(Names.mixing).\(layer).weight",
                [count, count],
                .spread(1 / Double(count).squareRoot())
            )
        }
            + convolution(Names.first, outputs: width, inputs: count * channels)
            + convolution(Names.second, outputs: channels, inputs: width)
    }
}
