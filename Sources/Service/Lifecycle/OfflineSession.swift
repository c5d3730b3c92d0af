// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import HTTPTypes
package import HTTPWire
import InferenceQueue

/// The operations without sockets: the same requests, run in this process.
package struct OfflineSession: Sendable {
    private let core: InferenceCore
    private let configuration: ServiceConfiguration
    private let threads: Int

    /// Loads the model that the configuration names.
    ///
    /// - Throws: `ServiceError.model`, and those of ``ProcessLimits``.
    package init(_ configuration: ServiceConfiguration) throws(ServiceError) {
        // A thread that finds no memory for its stack does not start, and the session would wait for it without end.
        try ProcessLimits.check(model: configuration.model)
        var configuration = configuration
        // No other request waits: no batch is too slow, and nothing has to be warm.
        configuration.requestTimeout = .seconds(3600)
        configuration.warmupBatch = 0
        threads = configuration.threads ?? CPUBudget.available().threads
        self.configuration = configuration
        do throws(ModelError) {
            core = try InferenceCore.load(configuration, threads: threads).core
        } catch {
            throw .model(error)
        }
    }

    package var info: JSONValue {
        InfoDocument(model: core.model, threads: threads, configuration: configuration).json
    }

    /// Runs an operation on one file as its route would.
    ///
    /// - Parameters:
    ///   - operation: its name, such as `encode`.
    ///   - file: an image or a tensor file.
    ///   - id: names the file in the response.
    ///   - parameters: by the names of the HTTP API.
    ///   - accept: the `Accept` header.
    /// - Returns: the response of the route.
    /// - Throws: the `Problem` that the route would respond with.
    package func response(
        of operation: String,
        to file: [UInt8],
        id: String? = nil,
        parameters: [(name: String, value: String)],
        accept: String = "*/*"
    ) async throws(Problem) -> Response {
        let path = "/" + operation
        guard let operation = Route(path: path)?.operation else { throw .notFound(path) }
        var head = HTTPRequestHead(method: .post, rawTarget: path, path: path, query: parameters)
        head.fields[.accept] = accept
        let now = ContinuousClock.now
        return try await response(operation, Request(head: head, body: file, headAt: now, bodyAt: now), id: id)
    }

    private func response<Requested: Operation>(
        _ operation: Requested.Type,
        _ request: Request,
        id: String?
    ) async throws(Problem) -> Response {
        var timings = StageTimings()
        return try await operationRequest(operation, itemID: id).response(to: request, timings: &timings)
    }

    /// Checks parameters before there is a file.
    ///
    /// - Throws: the `Problem` that every request with these parameters would get.
    package func check(_ parameters: [(name: String, value: String)], of operation: String) throws(Problem) {
        guard let operation = Route(path: "/" + operation)?.operation else { throw .notFound(operation) }
        try check(parameters, operation)
    }

    private func check<Requested: Operation>(
        _ parameters: [(name: String, value: String)],
        _ operation: Requested.Type
    ) throws(Problem) {
        var given = ParameterSet(of: operation)
        for parameter in parameters { try given.add(parameter.name, parameter.value) }
        if operation.takesLatents { _ = try RawTensorParameters(given) }
        let requested = try Requested(given, model: core.model, timeoutLimit: configuration.requestTimeout)
        _ = try requested.form(accept: AcceptHeader(parsing: "*/*"), isJSON: false, itemCount: 1)
    }

    /// Reads a request as its route does, without running the engine; for fuzzing.
    ///
    /// - Returns: how many items the engine would get; nil if the path is no operation's.
    /// - Throws: the `Problem` that the route would respond with.
    package func plannedItemCount(of request: Request) throws(Problem) -> Int? {
        guard let operation = Route(path: request.head.path)?.operation else { return nil }
        return try plannedItemCount(operation, request)
    }

    private func plannedItemCount<Requested: Operation>(
        _ operation: Requested.Type,
        _ request: Request
    ) throws(Problem) -> Int {
        try operationRequest(operation).plannedItemCount(of: request)
    }

    private func operationRequest<Requested: Operation>(
        _ operation: Requested.Type,
        itemID: String? = nil
    ) -> OperationRequest<Requested> {
        OperationRequest(
            core: core,
            configuration: configuration,
            metrics: ServiceMetrics(),
            requestID: "offline",
            caller: .anyone,
            itemID: itemID
        )
    }
}
