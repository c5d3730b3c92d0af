// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import HTTPTypes
import HTTPWire
import InferenceQueue
import TensorFiles

/// The answers that need no inference, given on the spot.
struct GetRoutes: Sendable {
    let configuration: ServiceConfiguration
    let state: ServiceState
    let metrics: ServiceMetrics
    let threads: Int
    let inflightBytes: @Sendable () -> Int

    // What is asked for again and again, written once.
    private static let live = JSONValue.object([("status", "live")]).text
    private static let ready = JSONValue.object([("status", "ready")]).text

    /// - Throws: the `Problem` to answer with.
    func answer(_ route: Route, _ head: HTTPRequestHead) throws(Problem) -> Response {
        for (name, _) in head.query where !route.parameters.contains(name) {
            throw Problem(
                .unknownParameter,
                "'\(name.prefix(64))' is not a parameter of \(head.path.prefix(64)).",
                [
                    ("parameter", .string(String(name.prefix(64)))),
                    ("allowed", .array(route.parameters.map(JSONValue.string))),
                ]
            )
        }
        switch route {
        case .live: return answer(Self.live, type: "application/json")
        case .ready:
            if let problem = state.unreadiness() { throw problem }
            return answer(Self.ready, type: "application/json")
        case .startup:
            if state.core == nil { throw .starting }
            return json(["status": "started"])
        case .info:
            let core = try loaded()
            return json(InfoDocument(model: core.model, threads: threads, configuration: configuration).json)
        case .labels: return try labels(head)
        case .statistics: return try statistics(head)
        case .metrics: return text(metricsPage, type: "text/plain; version=0.0.4; charset=utf-8")
        case .openAPI(isYAML: true): return answer(Documents.openAPI, type: "application/yaml")
        case .openAPI(isYAML: false): return answer(Documents.openAPIAsJSON, type: "application/json")
        case .playground: return answer(Documents.playground, type: "text/html; charset=utf-8")
        case .problem(let slug):
            guard let kind = ProblemKind(rawValue: slug) else { throw .notFound(head.path) }
            return json(["type": .string(kind.uri), "title": .string(kind.title), "status": .integer(kind.status)])
        case .operation: throw .notFound(head.path)
        }
    }

    private func loaded() throws(Problem) -> InferenceCore {
        guard let core = state.core else { throw .starting }
        return core
    }

    private var metricsPage: String {
        let core = state.core
        return MetricsPage(
            counters: metrics.snapshot(),
            queue: core?.queue.snapshot() ?? .init(),
            inflightBytes: inflightBytes(),
            isReady: state.unreadiness() == nil,
            model: core?.identity,
            weightStorage: configuration.weightStorage,
            threads: threads
        ).text
    }

    private func labels(_ head: HTTPRequestHead) throws(Problem) -> Response {
        let core = try loaded()
        let format = try choice("format", ["text", "json"], head, types: ["text/plain", "application/json"])
        guard let labels = core.model.labels else {
            throw .featureUnavailable("This model has no labels.", missing: "labels")
        }
        if format == "json" { return json(["labels": .array(labels.map(JSONValue.string))]) }
        return text(labels.joined(separator: "\n") + "\n", type: "text/plain; charset=utf-8")
    }

    private func statistics(_ head: HTTPRequestHead) throws(Problem) -> Response {
        let core = try loaded()
        let types = ["application/vnd.safetensors", "application/x-npz", "application/json"]
        let format = try choice("format", ["safetensors", "npz", "json"], head, types: types)
        guard let statistics = core.model.statistics else {
            throw .featureUnavailable("This model has no normalisation statistics.", missing: "stats")
        }
        let geometry = core.geometry
        let shape = [geometry.channels, geometry.gridSide, geometry.gridSide]
        let tensors = [("mean", statistics.mean), ("var", statistics.variance)].map {
            OutgoingTensor(name: $0.0, shape: shape, dtype: .float32, values: $0.1)
        }
        switch format {
        case "npz":
            guard let file = try? writeNPZ(tensors) else { throw Problem(.internalError, "No npz was written.") }
            return answer(file, type: types[1])
        case "json":
            return json([
                "shape": .array(shape.map(JSONValue.integer)),
                "eps": .float(statistics.epsilon),
                "mean": .floats(statistics.mean),
                "var": .floats(statistics.variance),
            ])
        default:
            let metadata = [("eps", String(statistics.epsilon)), ("stats_id", statistics.identifier)]
            return answer(writeSafetensors(tensors, metadata: metadata), type: types[0])
        }
    }

    /// The value of a parameter that beats `Accept`, which beats the first choice.
    private func choice(
        _ name: String,
        _ choices: [String],
        _ head: HTTPRequestHead,
        types: [String]
    ) throws(Problem) -> String {
        let given = head.query.filter { $0.name == name }.map(\.value)
        if let value = given.first {
            guard given.count == 1, choices.contains(value) else {
                throw .badParameter(name, value, choices: choices)
            }
            return value
        }
        let accept = AcceptHeader(parsing: head.fields[.accept] ?? "*/*")
        if accept.isIndifferent { return choices[0] }
        let best = types.indices.max { accept.quality(of: types[$0]) < accept.quality(of: types[$1]) } ?? 0
        guard accept.quality(of: types[best]) > 0 else {
            throw .notAcceptable("Accept rules out every form of this answer.", available: types)
        }
        return accept.quality(of: types[0]) == accept.quality(of: types[best]) ? choices[0] : choices[best]
    }

    private func json(_ value: JSONValue) -> Response { answer(value.text, type: "application/json") }

    private func text(_ text: String, type: String) -> Response { answer(Array(text.utf8), type: type) }

    private func answer(_ body: [UInt8], type: String) -> Response {
        Response(status: 200, fields: [.contentType: type, .cacheControl: "no-store"], body: body)
    }
}

extension Problem {
    static func notFound(_ path: String) -> Problem {
        Problem(.notFound, "There is nothing at '\(path.prefix(120))'.")
    }
}
