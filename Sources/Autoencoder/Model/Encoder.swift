// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// The network that makes a latent of an image.
enum Encoder: Sendable {
    case transformer(VisionTransformer)
    case lite(LiteEncoder)

    init(
        _ reader: WeightReader,
        configuration: ModelConfiguration,
        packing: DCTPacking?
    ) throws(ModelError) {
        switch configuration.encoder.network {
        case .transformer(let sizes):
            self = .transformer(
                try VisionTransformer(
                    reader,
                    family: configuration.encoder.family,
                    sizes: sizes,
                    inputSide: configuration.encoder.inputSide
                )
            )
        case .lite(let sizes):
            // The configuration was checked: models with this encoder pack.
            guard let packing else { preconditionFailure("a lite encoder without packing") }
            self = .lite(try LiteEncoder(reader, sizes: sizes, configuration: configuration, packing: packing))
        }
    }

    /// The layout that the network takes its input in.
    var inputLayout: PictureLayout {
        switch self {
        case .transformer: .channelsFirst
        case .lite: .channelsLast
        }
    }

    /// - `input`: `[3, inputSide, inputSide]` for a transformer, `[inputSide, inputSide, 3]` for the lite one.
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
        }
    }

    func workspaceCount(teamSize: Int) -> Int {
        switch self {
        case .transformer(let network): network.workspaceCount(teamSize: teamSize)
        case .lite(let network): network.workspaceCount(teamSize: teamSize)
        }
    }

    var floatingPointOperations: Double {
        switch self {
        case .transformer(let network): network.floatingPointOperations
        case .lite(let network): network.floatingPointOperations
        }
    }
}
