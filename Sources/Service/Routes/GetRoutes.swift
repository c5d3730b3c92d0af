// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import HTTPTypes
import HTTPWire
import InferenceQueue
import TensorFiles

/// The routes that need no inference.
struct GetRoutes: Sendable {
    let configuration: ServiceConfiguration
    let state: ServiceState
    let metrics: ServiceMetrics
    let threads: Int
    let inflightBytes: @Sendable () -> Int
    let droppedLogLines: @Sendable () -> Int

    static let problemPrefix = "/problems/"

    // Probes come by the thousand, so their bodies are written once.
    private static let live = JSONValue.object([("status", "live")]).text
    private static let ready = JSONValue.object([("status", "ready")]).text

    // MARK: Health

    func live(_ head: HTTPRequestHead) throws(Problem) -> Response { json(Self.live) }

    func ready(_ head: HTTPRequestHead) throws(Problem) -> Response {
        if let problem = state.unreadiness() { throw problem }
        return json(Self.ready)
    }

    func startup(_ head: HTTPRequestHead) throws(Problem) -> Response {
        _ = try loaded()
        return json(["status": "started"])
    }

    func metricsPage(_ head: HTTPRequestHead) throws(Problem) -> Response {
        let core = state.core
        let page = MetricsPage(
            counters: metrics.snapshot(),
            queue: core?.queue.snapshot() ?? .init(),
            imageJobs: core?.imageThreads.waitingJobs ?? 0,
            inflightBytes: inflightBytes(),
            droppedLogLines: droppedLogLines(),
            isReady: state.unreadiness() == nil,
            model: core?.identity,
            weightStorage: configuration.weightStorage,
            // Read anew: a quota can change while the service runs.
            cpuBudget: .available()
        )
        return text(page.text, type: "text/plain; version=0.0.4; charset=utf-8")
    }

    // MARK: Documentation

    func openAPI(_ head: HTTPRequestHead) throws(Problem) -> Response {
        response(Documents.openAPI, type: "application/yaml")
    }

    func openAPIAsJSON(_ head: HTTPRequestHead) throws(Problem) -> Response { json(Documents.openAPIAsJSON) }

    func page(_ head: HTTPRequestHead) throws(Problem) -> Response { Documents.page.response(to: head) }

    func sample(_ head: HTTPRequestHead) throws(Problem) -> Response {
        guard let sample = Documents.samples[head.path] else { throw .notFound(head.path) }
        return sample.response(to: head)
    }

    func problem(_ head: HTTPRequestHead) throws(Problem) -> Response {
        guard let kind = ProblemKind(rawValue: String(head.path.dropFirst(Self.problemPrefix.count))) else {
            throw .notFound(head.path)
        }
        return json(["type": .string(kind.uri), "title": .string(kind.title), "status": .integer(kind.status)])
    }

    // MARK: Model

    func info(_ head: HTTPRequestHead) throws(Problem) -> Response {
        let core = try loaded()
        return json(InfoDocument(model: core.model, threads: threads, configuration: configuration).json)
    }

    private enum LabelFormat: String, ResponseForm, CaseIterable {
        case text
        case json

        var mediaType: String { self == .text ? "text/plain" : "application/json" }
    }

    func labels(_ head: HTTPRequestHead) throws(Problem) -> Response {
        let core = try loaded()
        let format: LabelFormat = try format(head)
        guard let labels = core.model.labels else {
            throw .featureUnavailable("This model has no labels.", missing: "labels")
        }
        switch format {
        case .text: return text(labels.joined(separator: "\n") + "\n", type: "text/plain; charset=utf-8")
        case .json: return json(["labels": .array(labels.map(JSONValue.string))])
        }
    }

    private enum StatisticsFormat: String, ResponseForm, CaseIterable {
        case safetensors
        case npz
        case json

        var mediaType: String {
            switch self {
            case .safetensors: TensorFormat.safetensors.mediaType
            case .npz: TensorFormat.npz.mediaType
            case .json: TensorFormat.json.mediaType
            }
        }
    }

    func statistics(_ head: HTTPRequestHead) throws(Problem) -> Response {
        let core = try loaded()
        let format: StatisticsFormat = try format(head)
        guard let statistics = core.model.statistics else {
            throw .featureUnavailable("This model has no normalisation statistics.", missing: "stats")
        }
        let geometry = core.geometry
        let shape = [geometry.channels, geometry.gridSide, geometry.gridSide]
        let tensors = [("mean", statistics.mean), ("var", statistics.variance)].map {
            OutgoingTensor(name: $0.0, shape: shape, dtype: .float32, values: $0.1)
        }
        switch format {
        case .npz:
            do {
                return response(try writeNPZ(tensors), type: format.mediaType)
            } catch {
                throw error.problem
            }
        case .json:
            return json([
                "shape": .array(shape.map(JSONValue.integer)),
                "eps": .float(statistics.epsilon),
                "mean": .floats(statistics.mean),
                "var": .floats(statistics.variance),
            ])
        case .safetensors:
            let metadata = [("eps", String(statistics.epsilon)), ("stats_id", statistics.identifier)]
            return response(writeSafetensors(tensors, metadata: metadata), type: format.mediaType)
        }
    }

    private func loaded() throws(Problem) -> InferenceCore {
        guard let core = state.core else { throw .starting }
        return core
    }

    // MARK: Responses

    /// The parameter `format`, which beats `Accept`, which beats the first case.
    private func format<Format: ResponseForm & CaseIterable & RawRepresentable>(
        _ head: HTTPRequestHead
    ) throws(Problem) -> Format where Format.RawValue == String {
        let given = head.query.filter { $0.name == "format" }.map(\.value)
        guard let value = given.first else {
            return try AcceptHeader(parsing: head.fields[.accept] ?? "*/*").best(of: Array(Format.allCases))
        }
        guard given.count == 1, let format = Format(rawValue: value) else {
            throw .badParameter("format", value, choices: Format.allCases.map(\.rawValue))
        }
        return format
    }

    private func json(_ value: JSONValue) -> Response { json(value.text) }

    private func json(_ text: [UInt8]) -> Response { response(text, type: "application/json") }

    private func text(_ text: String, type: String) -> Response { response(Array(text.utf8), type: type) }

    private func response(_ body: [UInt8], type: String) -> Response {
        Response(status: 200, fields: [.contentType: type, .cacheControl: "no-store"], body: body)
    }
}

extension Problem {
    static func notFound(_ path: String) -> Problem {
        Problem(.notFound, "No route at '\(printable(path, limit: 120))'.")
    }
}
