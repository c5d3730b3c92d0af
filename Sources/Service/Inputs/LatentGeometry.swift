// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import TensorFiles

/// The shapes that latents of one model can have, and their conversion to inputs of tasks.
struct LatentGeometry: Sendable {
    let channels: Int
    let gridSide: Int

    var coefficientCount: Int { gridSide * gridSide }

    init(_ model: ModelConfiguration) {
        channels = model.channels
        gridSide = model.gridSide
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
    /// `[C,side,side]`, `[side²,C]` and `[C,K]` are taken as a batch of one. Where `[N,side²,C]` and `[N,C,K]` cannot
    /// be distinguished (C = K = side²), tokens are meant.
    ///
    /// - Parameters:
    ///   - tensor: the tensor as sent.
    ///   - compact: where the tokens of a smaller `[N,C,s,s]` lie, for the authors' compact decode; nil: not taken.
    /// - Returns: one input per latent, in order.
    /// - Throws: a `Problem` of kind `tensor-shape`.
    func inputs(from tensor: TensorArray, compact: TokenCorner.Position?) throws(Problem) -> [AutoencoderTask.Input] {
        for candidate in [tensor.shape, [1] + tensor.shape] {
            guard let first = candidate.first, first > 0, let layout = layout(of: candidate, compact: compact != nil)
            else {
                continue
            }
            let size = tensor.values.count / first
            return (0..<first).map { index -> AutoencoderTask.Input in
                let values = Array(tensor.values[index * size..<(index + 1) * size])
                switch layout {
                case .map: return .latent(values)
                case .tokens: return .latent(transposed(values))
                case .coefficients(let count): return .frequencyTokens(values, count: count)
                case .compact(let side):
                    return .compactTokens(values, TokenCorner(position: compact ?? .topLeft, side: side))
                }
            }
        }
        let acceptedShapes = acceptedShapes(compact: compact != nil)
        throw Problem(
            .tensorShape,
            "A latent of this model is \(acceptedShapes.joined(separator: " or ")), got \(tensor.shape).",
            [
                ("expected", .array(acceptedShapes.map(JSONValue.string))),
                ("got", .array(tensor.shape.map(JSONValue.integer))),
            ]
        )
    }

    private enum Layout {
        case map
        case tokens
        case coefficients(Int)
        case compact(Int)
    }

    private func layout(of shape: [Int], compact: Bool) -> Layout? {
        if shape.count == 4, shape[1] == channels, shape[2] == shape[3] {
            if shape[2] == gridSide { return .map }
            return compact && (1..<gridSide).contains(shape[2]) ? .compact(shape[2]) : nil
        }
        guard shape.count == 3 else { return nil }
        if shape[1] == coefficientCount, shape[2] == channels { return .tokens }
        if shape[1] == channels, (1...coefficientCount).contains(shape[2]) { return .coefficients(shape[2]) }
        return nil
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
