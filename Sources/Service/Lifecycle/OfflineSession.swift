// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import HTTPTypes
package import HTTPWire
import InferenceQueue

/// The routes without the sockets: the same requests, answered in this process.
package struct OfflineSession: Sendable {
    private let core: InferenceCore
    private let configuration: ServiceConfiguration
    private let threads: Int

    /// Loads the model that the configuration names.
    ///
    /// - Throws: `ServiceError.model`.
    package init(_ configuration: ServiceConfiguration) throws(ServiceError) {
        var configuration = configuration
        // Files wait for nobody: no batch is too slow, and the whole machine is theirs.
        configuration.requestTimeout = .seconds(3600)
        configuration.warmupBatch = 0
        threads = configuration.threads ?? CPUBudget.available()
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

    /// Answers one file as the route of the operation would.
    ///
    /// - Parameters:
    ///   - operation: which route.
    ///   - file: a picture or a tensor file.
    ///   - parameters: by the names of the HTTP API.
    /// - Returns: the answer.
    /// - Throws: the `Problem` that the route would answer with.
    package func answer(
        _ operation: Operation,
        file: [UInt8],
        parameters: [(name: String, value: String)]
    ) async throws(Problem) -> Response {
        let head = HTTPRequestHead(
            method: .post,
            rawTarget: "/" + operation.rawValue,
            path: "/" + operation.rawValue,
            query: parameters
        )
        let now = ContinuousClock.now
        let request = Request(head: head, body: file, headAt: now, bodyAt: now)
        var timings = StageTimings()
        return try await inference(operation).answer(request, timings: &timings)
    }

    /// Reads a request as its route does, short of the engine; what fuzzing reaches.
    ///
    /// - Returns: how many items the engine would be given; nil: the path is no operation's.
    /// - Throws: the `Problem` that the route would answer with.
    package func rehearse(_ request: Request) throws(Problem) -> Int? {
        guard case .operation(let operation) = Route(path: request.head.path) else { return nil }
        return try inference(operation).rehearse(request)
    }

    private func inference(_ operation: Operation) -> InferenceRequest {
        InferenceRequest(
            operation: operation,
            core: core,
            configuration: configuration,
            metrics: ServiceMetrics(),
            requestID: "offline",
            caller: .anyone
        )
    }
}
