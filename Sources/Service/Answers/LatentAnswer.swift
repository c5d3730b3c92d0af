// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Foundation
import FrequencyBands
import HTTPTypes
import HTTPWire
import TensorFiles

/// The answer of `/encode`: tensors in one of five forms.
struct LatentAnswer {
    let model: ModelIdentity
    let geometry: LatentGeometry
    let parameters: RequestParameters
    /// What was done to the latents; nil: no cut.
    let split: BandSplit?
    /// Coefficients of each channel in `freq_tokens`; nil for other layouts.
    let frequencyTokenCount: Int?
    /// The model's own order, in which these come.
    let order: FrequencyOrder
    /// Whether the model has FFT bands, so that a `freq_ratio` counts.
    let hasBands: Bool
    let isNormalized: Bool

    private var dtype: TensorDType { (parameters.dtype ?? .float32).tensor }

    /// - Parameters:
    ///   - outcomes: one an item; failed ones are left out of tensors and listed beside them.
    ///   - format: the form.
    /// - Returns: the answer.
    /// - Throws: a `Problem` of kind `not-acceptable` where the form cannot hold the type.
    func response(_ outcomes: [ItemOutcome], format: TensorFormat) throws(Problem) -> Response {
        var ids: [String] = []
        var failures: [Int] = []
        var batches: [[Float]] = [[], []]
        for (index, outcome) in outcomes.enumerated() {
            switch outcome.result {
            case .failure: failures.append(index)
            case .success(let answer):
                ids.append(outcome.id)
                for (batch, result) in answer.results.enumerated() { batches[batch] += values(result) }
            }
        }
        let shape = [ids.count] + itemShape(batches[0].count / max(ids.count, 1))
        var fields: HTTPFields = [:]
        fields[.contentType] = AnswerForm.tensor(format).mediaType
        fields[.shape] = "[\(shape.map(String.init).joined(separator: ","))]"
        fields[.dtype] = dtype.rawValue
        fields[.uaeModel] = model.field
        fields[.uaeLatent] = description
        if !failures.isEmpty { fields[.uaeFailed] = failures.map(String.init).joined(separator: ", ") }
        let hasFlips = parameters.flip == .both
        var tensors = [OutgoingTensor(name: "latents", shape: shape, dtype: dtype, values: batches[0])]
        if hasFlips {
            tensors.append(OutgoingTensor(name: "latents_flip", shape: shape, dtype: dtype, values: batches[1]))
        }
        let body: [UInt8]
        do throws(NPYError) {
            switch format {
            case .raw: body = bytes(batches[0])
            case .npy: body = try writeNPY(shape: shape, dtype: dtype, values: batches[0])
            case .npz: body = try writeNPZ(tensors)
            case .safetensors: body = writeSafetensors(tensors, metadata: metadata(outcomes, ids: ids))
            case .json: body = json(outcomes, shape: shape).text
            }
        } catch {
            throw .notAcceptable("numpy has no \(dtype.rawValue).", available: ["safetensors", "raw", "json"])
        }
        return Response(status: 200, fields: fields, body: body)
    }

    /// One item's tensor in the layout that was asked for.
    private func values(_ result: AutoencoderResult) -> [Float] {
        if parameters.pool == .mean { return result.pooled ?? [] }
        switch parameters.layout {
        case .nchw: return result.latent ?? []
        case .tokens: return geometry.tokens(fromMap: result.latent ?? [])
        case .freqTokens: return result.frequencyTokens ?? []
        }
    }

    private func itemShape(_ count: Int) -> [Int] {
        if parameters.pool == .mean { return [geometry.channels] }
        switch parameters.layout {
        case .nchw: return [geometry.channels, geometry.gridSide, geometry.gridSide]
        case .tokens: return [geometry.coefficientCount, geometry.channels]
        case .freqTokens: return [geometry.channels, count / geometry.channels]
        }
    }

    private func bytes(_ values: [Float]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * dtype.byteCount)
        values.withUnsafeBufferPointer { appendBytes(of: $0, as: dtype, to: &bytes) }
        return bytes
    }

    /// The `UAE-Latent` field: what the numbers are.
    private var description: String {
        var members = ["layout=\(parameters.pool == .mean ? "pooled" : parameters.layout.rawValue)"]
        members.append("normalized=\(isNormalized ? "?1" : "?0")")
        // Frequency tokens are always the lowest coefficients, whatever the model's own cut is.
        let split = frequencyTokenCount.map { BandSplit(order: order, count: $0) } ?? split
        members.append("keep=\(split?.count ?? geometry.coefficientCount)")
        members.append("order=\(split?.order.rawValue ?? order.rawValue)")
        if let split, split.mode != .low { members.append("mode=\(split.mode.rawValue)") }
        if let split, split.cutoff != .reorder1D { members.append("cutoff=\(split.cutoff.rawValue)") }
        if parameters.appliesFrequency == false, parameters.frequencyRatio == nil {
            members.append("apply_frequency=?0")
        } else if hasBands {
            // RFC 9651: a decimal has at most three digits behind its point.
            members.append("freq_ratio=\(Double((parameters.frequencyRatio ?? 1) * 1000).rounded() / 1000)")
        }
        return members.joined(separator: ", ")
    }

    private func metadata(_ outcomes: [ItemOutcome], ids: [String]) -> [(String, String)] {
        let failures = outcomes.compactMap { outcome in
            outcome.problem.map { ItemOutcome.json(id: outcome.id, problem: $0) }
        }
        return [
            ("uae_model", model.field),
            ("uae_latent", description),
            ("ids", String(decoding: JSONValue.array(ids.map(JSONValue.string)).text, as: UTF8.self)),
            ("failures", String(decoding: JSONValue.array(failures).text, as: UTF8.self)),
        ]
    }

    private func json(_ outcomes: [ItemOutcome], shape: [Int]) -> JSONValue {
        let items = outcomes.map { outcome -> JSONValue in
            switch outcome.result {
            case .failure(let problem): return ItemOutcome.json(id: outcome.id, problem: problem)
            case .success(let answer):
                var members: [(String, JSONValue)] = [("id", .string(outcome.id)), ("status", 200)]
                for (name, result) in zip(["data", "data_flip"], answer.results) {
                    if parameters.pool == .mean {
                        members.append((name, .floats(values(result))))
                    } else {
                        members.append((name + "_b64", .string(Data(bytes(values(result))).base64EncodedString())))
                    }
                }
                return .object(members)
            }
        }
        return [
            "model": .string(model.field),
            "latent": .string(description),
            "shape": .array(shape.map(JSONValue.integer)),
            "dtype": .string(dtype.rawValue),
            "items": .array(items),
        ]
    }
}

/// The model as answers name it.
struct ModelIdentity: Sendable {
    let name: String
    let revision: String
    let sha256: String

    var field: String { "\(name)@sha256:\(sha256)" }
}
