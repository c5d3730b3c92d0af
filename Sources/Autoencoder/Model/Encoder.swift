// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// Whichever network makes the latent.
enum Encoder: Sendable {
    case transformer(VisionTransformer)
    case lite(LiteEncoder)
    case packing(PackingEncoder)

    /// - `input`: `[3, inputSide, inputSide]` for a transformer, `[inputSide, inputSide, 3]` for the others.
    /// - `latent`: `[channels, gridSide, gridSide]`.
    func callAsFunction(
        _ input: UnsafePointer<Float>,
        into latent: UnsafeMutablePointer<Float>,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        switch self {
        case .transformer(let network): network(input, into: latent, workspace: workspace, team: team)
        case .lite(let network): network(input, into: latent, workspace: workspace, team: team)
        case .packing(let network): network(input, into: latent, workspace: workspace, team: team)
        }
    }

    func workspaceCount(teamSize: Int) -> Int {
        switch self {
        case .transformer(let network): network.workspaceCount(teamSize: teamSize)
        case .lite(let network): network.workspaceCount(teamSize: teamSize)
        case .packing(let network): network.workspaceCount(teamSize: teamSize)
        }
    }

    var floatingPointOperations: Double {
        switch self {
        case .transformer(let network): network.floatingPointOperations
        case .lite(let network): network.floatingPointOperations
        case .packing(let network): network.floatingPointOperations
        }
    }
}
