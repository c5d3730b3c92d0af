// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// The `uae-lite` encoder: an embedding of the whole image and the image's DCT coefficients share the latent.
struct LiteEncoder: Sendable {
    /// From `[height, width, 3]` to a map whose mean over its places the embedding is made of.
    let trunk: ConvolutionStack
    let embedding: PackedLinear
    let packing: DCTPacking

    /// - `input`: `[height, width, 3]` of the trunk's input.
    /// - `latent`: `[channels, gridSide, gridSide]`.
    func callAsFunction(
        _ input: UnsafePointer<Float>,
        into latent: UnsafeMutablePointer<Float>,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        workspace.scope {
            let components = workspace.take(embedding.outputs)
            embed(input, into: components, workspace: workspace, team: team)
            packing.pack(input, embedding: components, into: latent, workspace: workspace, team: team)
        }
    }

    /// - `components`: `[embedding.outputs]`.
    func embed(
        _ input: UnsafePointer<Float>,
        into components: UnsafeMutablePointer<Float>,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        workspace.scope {
            let map = workspace.take(trunk.output.count)
            trunk(input, into: map, workspace: workspace, team: team)
            let features = workspace.take(embedding.inputs)
            ClassificationHead.mean(ofRows: map, rows: trunk.output.rows, width: embedding.inputs, into: features)
            let scratch = workspace.take(scratchCount(teamSize: team.size))
            embedding(features, rows: 1, into: components, scratch: scratch, team: team)
        }
    }

    func workspaceCount(teamSize: Int) -> Int {
        let embedding =
            Workspace.span(trunk.output.count) + Workspace.span(embedding.inputs)
            + max(trunk.workspaceCount(teamSize: teamSize), Workspace.span(scratchCount(teamSize: teamSize)))
        return Workspace.span(self.embedding.outputs) + max(embedding, packing.workspaceCount(teamSize: teamSize))
    }

    /// Multiplications and additions for one picture, without the transforms.
    var floatingPointOperations: Double {
        trunk.floatingPointOperations + 2 * Double(embedding.inputs * embedding.outputs)
    }

    private func scratchCount(teamSize: Int) -> Int {
        PackedLinear.scratchCount(rows: 1, inputs: embedding.inputs, teamSize: teamSize)
    }
}

extension LiteEncoder {
    /// Names: `encoder.semantic.N...`, `encoder.embedding.{weight,bias}` `[embedding, semantic channels]`.
    init(
        _ reader: WeightReader,
        sizes: LiteEncoderConfiguration,
        configuration: ModelConfiguration,
        packing: DCTPacking
    ) throws(ModelError) {
        let encoder = configuration.encoder
        self.packing = packing
        trunk = try ConvolutionStack(
            reader,
            prefix: "encoder.semantic",
            layers: sizes.layers,
            input: MapShape(height: encoder.inputSide, width: encoder.inputSide, channels: 3)
        )
        embedding = try reader.linear(
            "encoder.embedding",
            outputs: packing.embeddingCount,
            inputs: trunk.output.channels
        )
    }
}
