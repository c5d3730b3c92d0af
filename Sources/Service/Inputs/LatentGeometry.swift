// SPDX-License-Identifier: Apache-2.0

package import Autoencoder
package import TensorFiles

/// The shapes that latents of one model can have, and their conversion to inputs of tasks.
package struct LatentGeometry: Sendable {
    let channels: Int
    let gridSide: Int

    var coefficientCount: Int { gridSide * gridSide }

    package init(channels: Int, gridSide: Int) {
        self.channels = channels
        self.gridSide = gridSide
    }

    init(_ model: ModelConfiguration) {
        self.init(channels: model.channels, gridSide: model.gridSide)
    }

    /// The shapes that a tensor may have, for error texts.
    private func acceptedShapes(compact: Bool) -> [String] {
        [
            "[N,\(channels),\(gridSide),\(gridSide)]",
            "[N,\(coefficientCount),\(channels)]",
            "[N,\(channels),K] with K <= \(coefficientCount)",
        ] + (compact ? ["[N,\(channels),s,s] with s < \(gridSide)"] : [])
    }

    /// Splits a tensor into one task input per latent.
    ///
    /// `[C,side,side]`, `[side²,C]` and `[C,K]` are taken as a batch of one. A shape that could mean several layouts
    /// means a map before tokens, and tokens before coefficients: `[C,side,side]` with C = side is one map and no batch
    /// of coefficients, `[N,side²,C]` with C = side² are tokens.
    ///
    /// - Parameters:
    ///   - tensor: the tensor as sent.
    ///   - stated: the layout that the tensor's file names; no other is considered then.
    ///   - compact: where the tokens of a smaller `[N,C,s,s]` lie, for the authors' compact decode; nil: not taken.
    /// - Returns: one input per latent, in order.
    /// - Throws: a `Problem` of kind `tensor-shape`.
    package func inputs(
        from tensor: TensorArray,
        stated: LatentLayout? = nil,
        compact: TokenCorner.Position?
    ) throws(Problem) -> [AutoencoderTask.Input] {
        let candidates = batches(tensor.shape, compact: compact != nil)
        guard let batch = candidates.first(where: { stated == nil || $0.layout.name == stated }) else {
            throw unknownShape(tensor.shape, stated: stated, compact: compact != nil)
        }
        let size = tensor.values.count / batch.count
        return (0..<batch.count).map { index -> AutoencoderTask.Input in
            let values = Array(tensor.values[index * size..<(index + 1) * size])
            switch batch.layout {
            case .map: return .latent(values)
            case .tokens: return .latent(transposed(values))
            case .coefficients(let count): return .frequencyTokens(values, count: count)
            case .compact(let side):
                return .compactTokens(values, TokenCorner(position: compact ?? .topLeft, side: side))
            }
        }
    }

    private func unknownShape(_ shape: [Int], stated: LatentLayout?, compact: Bool) -> Problem {
        let acceptedShapes = acceptedShapes(compact: compact)
        var detail = "A latent of this model is \(acceptedShapes.joined(separator: " or ")), got \(shape)"
        if let stated { detail += ", which its file calls \(stated.rawValue)" }
        if shape.count == 2, shape[1] == channels { detail += "; pooled vectors cannot be decoded" }
        return Problem(
            .tensorShape,
            detail + ".",
            [("expected", .array(acceptedShapes.map(JSONValue.string))), ("got", .array(shape.map(JSONValue.integer)))]
        )
    }

    private enum Layout {
        case map
        case tokens
        case coefficients(Int)
        case compact(Int)

        /// The layout's name in requests and responses; a block of tokens has none.
        var name: LatentLayout? {
            switch self {
            case .map: .nchw
            case .tokens: .tokens
            case .coefficients: .freqTokens
            case .compact: nil
            }
        }
    }

    /// Everything that a shape can mean, the most likely first.
    private func batches(_ shape: [Int], compact: Bool) -> [(count: Int, layout: Layout)] {
        // The batch axis may be left out.
        let shapes = [shape, [1] + shape].filter { $0.first.map { $0 > 0 } ?? false }
        func all(_ layout: ([Int]) -> Layout?) -> [(count: Int, layout: Layout)] {
            shapes.compactMap { shape in layout(shape).map { (shape[0], $0) } }
        }
        return all { mapLayout($0, compact: compact) }
            + all { $0.count == 3 && $0[1] == coefficientCount && $0[2] == channels ? .tokens : nil }
            + all {
                $0.count == 3 && $0[1] == channels && (1...coefficientCount).contains($0[2])
                    ? .coefficients($0[2]) : nil
            }
    }

    private func mapLayout(_ shape: [Int], compact: Bool) -> Layout? {
        guard shape.count == 4, shape[1] == channels, shape[2] == shape[3] else { return nil }
        if shape[2] == gridSide { return .map }
        return compact && (1..<gridSide).contains(shape[2]) ? .compact(shape[2]) : nil
    }

    /// `[side², C]` to `[C, side²]`.
    private func transposed(_ tokens: [Float]) -> [Float] {
        let count = coefficientCount
        var map = [Float](repeating: 0, count: tokens.count)
        for token in 0..<count {
            for channel in 0..<channels { map[channel * count + token] = tokens[token * channels + channel] }
        }
        return map
    }

    /// `[C, side²]` to `[side², C]`.
    func tokens(fromMap map: [Float]) -> [Float] {
        let count = coefficientCount
        var tokens = [Float](repeating: 0, count: map.count)
        for channel in 0..<channels {
            for token in 0..<count { tokens[token * channels + channel] = map[channel * count + token] }
        }
        return tokens
    }
}
