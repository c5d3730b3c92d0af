// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// From a packed latent to a picture: what the latent holds exactly, what it does not hold drawn by a network.
///
/// The network sees the picture whitened, every frequency by its usual size, and what it draws is scaled back in the same
/// way, so that it works on numbers of one size whatever was cut.
struct PackingDecoder: Sendable {
    let packing: SpectralPacking
    /// From `[side, side, 3]` to the same; nil for none: then what is not held stays empty.
    let refinement: ConvolutionStack?

    /// - `latent`: `[channels, gridSide, gridSide]`.
    /// - `picture`: `[side, side, 3]`, standardised RGB.
    func callAsFunction(
        _ latent: UnsafePointer<Float>,
        into picture: UnsafeMutablePointer<Float>,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        workspace.scope {
            let planes = workspace.take(packing.planeCount)
            let count = packing.coefficients(of: latent, into: planes, workspace: workspace, team: team)
            // An empty latent gives nothing to draw from.
            if let refinement, count > 0 {
                draw(refinement, planes, held: count, scratch: picture, workspace: workspace, team: team)
            }
            packing.picture(of: planes, into: picture, workspace: workspace, team: team)
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
        return Workspace.span(self.packing.planeCount) + max(packing, drawing ?? 0)
    }
}
