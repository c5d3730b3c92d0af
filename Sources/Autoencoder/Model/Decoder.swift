// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// The network that makes an image of a latent.
enum Decoder: Sendable {
    case transformer(TransformerDecoder)
    case lite(LiteDecoder)

    init(
        _ reader: WeightReader,
        configuration: ModelConfiguration,
        packing: DCTPacking?
    ) throws(ModelError) {
        switch configuration.decoder.network {
        case .transformer(let sizes):
            self = .transformer(try TransformerDecoder(reader, configuration: configuration, sizes: sizes))
        case .lite(let sizes):
            // The configuration was checked: models with this decoder pack.
            guard let packing else { preconditionFailure("a lite decoder without packing") }
            self = .lite(try LiteDecoder(reader, configuration: configuration, sizes: sizes, packing: packing))
        }
    }

    /// Whether a square of the latent's tokens can be decoded by itself.
    var decodesCompactly: Bool {
        switch self {
        case .transformer: true
        case .lite: false
        }
    }

    /// Decodes a latent and lends the image to `body`.
    ///
    /// - `latent`: `[channels, side, side]`.
    /// - `side`: the latent's side, or less for the authors' compact decode.
    func callAsFunction(
        _ latent: UnsafePointer<Float>,
        side: Int,
        workspace: Workspace,
        team: ComputeTeam,
        _ body: (DecodedImages) -> Void
    ) {
        switch self {
        case .transformer(let network): network(latent, side: side, workspace: workspace, team: team, body)
        case .lite(let network): network(latent, workspace: workspace, team: team, body)
        }
    }

    func workspaceCount(teamSize: Int) -> Int {
        switch self {
        case .transformer(let network): network.workspaceCount(teamSize: teamSize)
        case .lite(let network): network.workspaceCount(teamSize: teamSize)
        }
    }

    /// Multiplications and additions for one image.
    var floatingPointOperations: Double {
        switch self {
        case .transformer(let network): network.floatingPointOperations
        case .lite(let network): network.floatingPointOperations
        }
    }
}
