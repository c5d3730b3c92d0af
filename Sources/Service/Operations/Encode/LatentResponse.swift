// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Foundation
import FrequencyBands
import HTTPTypes
import HTTPWire
import TensorFiles

/// The response of `/encode`: tensors in one of five formats.
struct LatentResponse {
    let encode: Encode
    let model: ModelIdentity
    /// What was done to the latents; nil: no cut.
    let split: BandSplit?
    let isNormalized: Bool

    private var configuration: ModelConfiguration { encode.model.configuration }
    private var geometry: LatentGeometry { LatentGeometry(configuration) }
    private var dtype: TensorDType { encode.dtype.tensor }

    /// Failed items are left out of tensors and listed beside them.
    ///
    /// ``Encode/form(accept:isJSON:itemCount:)`` chose a format that holds the dtype and as many tensors as there are.
    func response(_ outcomes: [ItemOutcome], format: TensorFormat) throws(Problem) -> Response {
        var ids: [String] = []
        var failures: [Int] = []
        var batches: [[Float]] = [[], []]
        for (index, outcome) in outcomes.enumerated() {
            switch outcome.result {
            case .failure: failures.append(index)
            case .success(let output):
                ids.append(outcome.id)
                for (batch, result) in output.results.enumerated() { batches[batch] += values(result) }
            }
        }
        let shape = [ids.count] + itemShape(batches[0].count / max(ids.count, 1))
        var fields: HTTPFields = [:]
        fields[.contentType] = format.mediaType
        fields[.shape] = "[\(shape.map(String.init).joined(separator: ","))]"
        fields[.dtype] = dtype.rawValue
        fields[.uaeModel] = model.header
        fields[.uaeLatent] = description
        if !failures.isEmpty { fields[.uaeFailed] = failures.map(String.init).joined(separator: ", ") }
        var tensors = [OutgoingTensor(name: "latents", shape: shape, dtype: dtype, values: batches[0])]
        if encode.flip == .both {
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
            throw error.problem
        }
        return Response(status: 200, fields: fields, body: body)
    }

    /// The tensor of one item in the requested layout.
    private func values(_ result: AutoencoderResult) -> [Float] {
        if encode.isPooled { return result.pooled ?? [] }
        switch encode.layout {
        case .nchw: return result.latent ?? []
        case .tokens: return geometry.tokens(fromMap: result.latent ?? [])
        case .freqTokens: return result.frequencyTokens ?? []
        }
    }

    private func itemShape(_ count: Int) -> [Int] {
        if encode.isPooled { return [geometry.channels] }
        switch encode.layout {
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

    /// The value of the `UAE-Latent` header: what the numbers are.
    private var description: String {
        var members = ["layout=\(encode.isPooled ? LatentStatement.pooled : encode.layout.rawValue)"]
        members.append("normalized=\(isNormalized ? "?1" : "?0")")
        let order = configuration.frequency.order
        // Frequency tokens are always the lowest coefficients, whatever the model's own cut is.
        let split =
            encode.layout == .freqTokens
            ? BandSplit(order: order, count: encode.frequencyTokenCount) : split
        members.append("keep=\(split?.count ?? geometry.coefficientCount)")
        members += split.counting(order: order).map { "\($0.name)=\($0.value)" }
        if encode.cut.appliesFrequency == false, encode.cut.frequencyRatio == nil {
            members.append("apply_frequency=?0")
        } else if configuration.frequency.bands != nil {
            // RFC 9651: a decimal has at most three digits after the point.
            members.append("freq_ratio=\(Double((encode.cut.frequencyRatio ?? 1) * 1000).rounded() / 1000)")
        }
        return members.joined(separator: ", ")
    }

    private func metadata(_ outcomes: [ItemOutcome], ids: [String]) -> [(String, String)] {
        let failures = outcomes.compactMap { outcome in
            outcome.problem.map { ItemOutcome.json(id: outcome.id, problem: $0) }
        }
        return [
            ("uae_model", model.header),
            ("uae_latent", description),
            ("ids", String(decoding: JSONValue.array(ids.map(JSONValue.string)).text, as: UTF8.self)),
            ("failures", String(decoding: JSONValue.array(failures).text, as: UTF8.self)),
        ]
    }

    private func json(_ outcomes: [ItemOutcome], shape: [Int]) -> JSONValue {
        let items = outcomes.map { outcome -> JSONValue in
            switch outcome.result {
            case .failure(let problem): return ItemOutcome.json(id: outcome.id, problem: problem)
            case .success(let output):
                var members: [(String, JSONValue)] = [("id", .string(outcome.id)), ("status", 200)]
                for (name, result) in zip(["data", "data_flip"], output.results) {
                    if encode.isPooled {
                        members.append((name, .floats(values(result))))
                    } else {
                        members.append((name + "_b64", .string(Data(bytes(values(result))).base64EncodedString())))
                    }
                }
                return .object(members)
            }
        }
        return [
            "model": .string(model.header),
            "latent": .string(description),
            "shape": .array(shape.map(JSONValue.integer)),
            "dtype": .string(dtype.rawValue),
            "items": .array(items),
        ]
    }
}
