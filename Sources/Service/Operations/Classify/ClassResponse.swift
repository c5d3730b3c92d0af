// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Foundation
import HTTPTypes
import HTTPWire

/// The response of `/classify`: the k most likely classes.
struct ClassResponse {
    let model: ModelIdentity
    let labels: [String]?
    let topK: Int

    func response(_ outcomes: [ItemOutcome]) -> Response {
        let items = outcomes.map { outcome -> JSONValue in
            switch outcome.result {
            case .failure(let problem): return ItemOutcome.json(id: outcome.id, problem: problem)
            case .success(let output):
                let predictions = Prediction.top(topK, of: output.results.first?.logits ?? [], labels: labels)
                return ["id": .string(outcome.id), "predictions": .array(predictions.map(\.json))]
            }
        }
        var fields: HTTPFields = [:]
        fields[.contentType] = "application/json"
        fields[.uaeModel] = model.header
        let document: JSONValue = ["model": .string(model.header), "items": .array(items)]
        return Response(status: 200, fields: fields, body: document.text)
    }
}

/// One class and how likely it is.
struct Prediction: Sendable {
    let index: Int
    let label: String?
    /// Softmax over all classes.
    let score: Double
    let logit: Float

    /// The k largest logits, largest first, ties by index.
    static func top(_ count: Int, of logits: [Float], labels: [String]?) -> [Prediction] {
        let largest = logits.max() ?? 0
        let total = logits.reduce(0) { $0 + exp(Double($1 - largest)) }
        let order = logits.indices.sorted { (-logits[$0], $0) < (-logits[$1], $1) }
        return order.prefix(count).map { index in
            Prediction(
                index: index,
                label: labels?[index],
                score: exp(Double(logits[index] - largest)) / total,
                logit: logits[index]
            )
        }
    }

    var json: JSONValue {
        [
            "index": .integer(index),
            "label": label.map(JSONValue.string) ?? .null,
            "score": .number(score),
            "logit": .float(logit),
        ]
    }
}
