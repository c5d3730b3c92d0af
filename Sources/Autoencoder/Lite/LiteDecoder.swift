// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// From a packed latent to a picture: what the latent holds exactly, what it does not hold drawn by a network.
///
/// The network sees the picture whitened, every frequency by its usual size, and what it draws is scaled back in the same
/// way, so that it works on numbers of one size whatever was cut.
struct LiteDecoder: Sendable {
    let packing: DCTPacking
    let scale: ImageScale
    /// From `[side, side, 3]` to the same; nil for none: then what is not held stays empty.
    let refinement: ConvolutionStack?

    /// Decodes a latent `[channels, gridSide, gridSide]` and lends the image to `body`.
    func callAsFunction(
        _ latent: UnsafePointer<Float>,
        workspace: Workspace,
        team: ComputeTeam,
        _ body: (DecodedImages) -> Void
    ) {
        workspace.scope {
            let picture = workspace.take(packing.planeCount)
            let planes = workspace.take(packing.planeCount)
            let count = packing.coefficients(of: latent, into: planes, workspace: workspace, team: team)
            // An empty latent gives nothing to draw from.
            if let refinement, count > 0 {
                draw(refinement, planes, held: count, scratch: picture, workspace: workspace, team: team)
            }
            packing.picture(of: planes, into: picture, workspace: workspace, team: team)
            // An image that lies as rows of pixels is a single patch.
            body(DecodedImages(values: picture, gridSide: 1, patchSide: packing.side, scale: scale))
        }
    }

    private func draw(
        _ network: ConvolutionStack,
        _ planes: UnsafeMutablePointer<Float>,
        held: Int,
        scratch: UnsafeMutablePointer<Float>,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        workspace.scope {
            let white = workspace.take(packing.planeCount)
            packing.whiten(planes, count: held, into: white, team: team)
            packing.drawable(white, into: scratch, workspace: workspace, team: team)
            let drawn = workspace.take(network.output.count)
            network(scratch, into: drawn, workspace: workspace, team: team)
            packing.coefficients(ofDrawn: drawn, into: white, workspace: workspace, team: team)
            packing.complete(planes, beyond: held, with: white, team: team)
        }
    }

    func workspaceCount(teamSize: Int) -> Int {
        let packing = packing.workspaceCount(teamSize: teamSize)
        let drawing = refinement.map {
            Workspace.span(self.packing.planeCount) + Workspace.span($0.output.count)
                + max(packing, $0.workspaceCount(teamSize: teamSize))
        }
        return 2 * Workspace.span(self.packing.planeCount) + max(packing, drawing ?? 0)
    }

    var floatingPointOperations: Double { refinement?.floatingPointOperations ?? 0 }
}

extension LiteDecoder {
    /// Names: `decoder.convolutional.N...`.
    init(
        _ reader: WeightReader,
        configuration: ModelConfiguration,
        sizes: LiteDecoderConfiguration,
        packing: DCTPacking
    ) throws(ModelError) {
        self.packing = packing
        scale = ImageScale(configuration.decoder)
        refinement =
            sizes.layers.isEmpty
            ? nil
            : try ConvolutionStack(
                reader,
                prefix: "decoder.convolutional",
                layers: sizes.layers,
                input: MapShape(height: packing.side, width: packing.side, channels: 3)
            )
    }
}
