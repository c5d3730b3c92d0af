// SPDX-License-Identifier: Apache-2.0

import TensorFiles
import TensorKernels

/// From a latent to the logits of the model's categories.
struct ClassificationHead: Sendable {
    let source: HeadConfiguration.Source
    let gridSide: Int
    let stack: ConvolutionStack?
    let linear: PackedLinear
    /// What finds the embedding in the latent; only for heads that read it.
    let packing: DCTPacking?

    var classCount: Int { linear.outputs }
    private var tokenCount: Int { gridSide * gridSide }
    private var channels: Int { stack?.input.channels ?? linear.inputs }

    /// - `latent`: `[channels, gridSide, gridSide]`.
    /// - `logits`: `[classCount]`.
    func callAsFunction(
        _ latent: UnsafePointer<Float>,
        into logits: UnsafeMutablePointer<Float>,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        workspace.scope {
            let features = workspace.take(linear.inputs)
            if let packing {
                packing.unpackEmbedding(latent, into: features, workspace: workspace, team: team)
            } else if let stack {
                let tokens = workspace.take(stack.input.count)
                let map = workspace.take(stack.output.count)
                transpose(latent, rows: channels, columns: tokenCount, into: tokens)
                stack(tokens, into: map, workspace: workspace, team: team)
                Self.mean(ofRows: map, rows: stack.output.rows, width: linear.inputs, into: features)
            } else {
                Self.mean(ofPlanes: latent, channels: channels, tokenCount: tokenCount, into: features)
            }
            classify(features, into: logits, workspace: workspace, team: team)
        }
    }

    /// The linear map alone, from the features `[linear.inputs]` that the latent would give.
    func classify(
        _ features: UnsafePointer<Float>,
        into logits: UnsafeMutablePointer<Float>,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        workspace.scope {
            let scratch = workspace.take(
                PackedLinear.scratchCount(rows: 1, inputs: linear.inputs, teamSize: team.size)
            )
            linear(features, rows: 1, into: logits, scratch: scratch, team: team)
        }
    }

    /// The mean of each channel of a map `[channels, tokenCount]`.
    static func mean(
        ofPlanes map: UnsafePointer<Float>,
        channels: Int,
        tokenCount: Int,
        into means: UnsafeMutablePointer<Float>
    ) {
        for channel in 0..<channels {
            var sum = 0.0
            for index in 0..<tokenCount { sum += Double(map[channel * tokenCount + index]) }
            means[channel] = Float(sum / Double(tokenCount))
        }
    }

    /// The mean of each column of a map `[rows, width]`.
    static func mean(
        ofRows map: UnsafePointer<Float>,
        rows: Int,
        width: Int,
        into means: UnsafeMutablePointer<Float>
    ) {
        means.update(repeating: 0, count: width)
        for row in 0..<rows {
            for column in 0..<width { means[column] += map[row * width + column] }
        }
        for column in 0..<width { means[column] /= Float(rows) }
    }

    func workspaceCount(teamSize: Int) -> Int {
        let scratch = Workspace.span(PackedLinear.scratchCount(rows: 1, inputs: linear.inputs, teamSize: teamSize))
        guard let stack else {
            return Workspace.span(linear.inputs) + max(scratch, packing?.workspaceCount(teamSize: teamSize) ?? 0)
        }
        return Workspace.span(linear.inputs) + Workspace.span(stack.input.count) + Workspace.span(stack.output.count)
            + max(stack.workspaceCount(teamSize: teamSize), scratch)
    }

    /// Multiplications and additions for one latent.
    var floatingPointOperations: Double {
        2 * Double(linear.inputs * linear.outputs) + (stack?.floatingPointOperations ?? 0)
    }
}

extension ClassificationHead {
    /// Reads the head that a configuration describes.
    ///
    /// - `reader`: the file in which it lies.
    /// - `packing`: what the model's latents are made by, where they hold an embedding.
    init(
        _ reader: WeightReader,
        head: HeadConfiguration,
        configuration: ModelConfiguration,
        packing: DCTPacking?
    ) throws(ModelError) {
        source = head.source
        gridSide = configuration.gridSide
        self.packing = head.source == .embedding ? packing : nil
        let channels = self.packing?.embeddingCount ?? configuration.channels
        if head.layers.isEmpty {
            stack = nil
        } else {
            stack = try ConvolutionStack(
                reader,
                prefix: "head",
                layers: head.layers,
                input: MapShape(height: gridSide, width: gridSide, channels: channels)
            )
        }
        let inputs = stack?.output.channels ?? channels
        let bias = try reader.tensor(head.biasName, shape: [head.classCount])
        linear = PackedLinear(
            weight: try reader.tensor(head.weightName, shape: [head.classCount, inputs]),
            bias: bias,
            outputs: head.classCount,
            inputs: inputs,
            storage: reader.storage
        )
    }

    /// How many classes a linear probe in a file has.
    static func classCount(ofProbe reader: WeightReader, channels: Int) throws(ModelError) -> Int {
        let shape = reader.file.shape(of: "weight") ?? []
        guard shape.count == 2, shape[0] > 0, shape[0] <= 65536, shape[1] == channels else {
            throw .headShape(path: reader.path, channels: channels, found: shape)
        }
        return shape[0]
    }
}
