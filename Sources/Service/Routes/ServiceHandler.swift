// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HTTPWire
import InferenceQueue
import Logging
import SocketServer

/// The service as the sockets see it: admits each request by its head, and routes it.
final class ServiceHandler: RequestHandler {
    private let configuration: ServiceConfiguration
    private let state: ServiceState
    private let metrics: ServiceMetrics
    private let getRoutes: GetRoutes
    private let keys: APIKeys?
    private let logger: Logger

    init(
        configuration: ServiceConfiguration,
        state: ServiceState,
        metrics: ServiceMetrics,
        getRoutes: GetRoutes,
        keys: APIKeys?,
        logger: Logger
    ) {
        self.configuration = configuration
        self.state = state
        self.metrics = metrics
        self.getRoutes = getRoutes
        self.keys = keys
        self.logger = logger
    }

    // MARK: Before the body

    func admit(_ head: HTTPRequestHead) -> Admission {
        let route = Route(path: head.path)
        do throws(Problem) {
            return try decide(head, route)
        } catch {
            // One id for header and body: a second call would create another.
            let requestID = RequestID.of(head.fields)
            let response = error.response(requestID: requestID)
            return .respond(finish(response, head, StageTimings(), requestID: requestID), label: route?.label)
        }
    }

    private func decide(_ head: HTTPRequestHead, _ route: Route?) throws(Problem) -> Admission {
        if head.path == "*" { return .respond(options(head, allowed: ["GET", "HEAD", "POST", "OPTIONS"])) }
        guard let route else { throw .notFound(head.path) }
        if head.isOverLimit, !route.isProbe {
            throw HTTPRefusal.tooManyConnections(limit: configuration.maxConnections).problem
        }
        let methods = route.methods.joined(separator: ", ")
        guard route.methods.contains(head.method.rawValue) else {
            var problem = Problem(
                .methodNotAllowed,
                "\(head.method.rawValue) is not allowed for \(head.path.prefix(64)); use \(methods).",
                [("allowed", .array(route.methods.map(JSONValue.string)))]
            )
            problem.fields[.allow] = methods
            throw problem
        }
        if head.method == .options { return .respond(options(head, allowed: route.methods), label: route.label) }
        let caller = route.isProbe ? .anyone : try keys?.caller(head.fields[.authorization]) ?? .anyone
        switch route.action {
        case .get(let handler):
            for (name, _) in head.query where !route.parameters.contains(name) {
                throw .unknownParameter(name, of: head.path, allowed: route.parameters)
            }
            return .respond(finish(try handler(getRoutes)(head), head, StageTimings()), label: route.label)
        case .operation(let operation): return try admit(to: operation, caller)
        }
    }

    private func admit<Requested: Operation>(
        to operation: Requested.Type,
        _ caller: Caller
    ) throws(Problem) -> Admission {
        guard let core = state.core else { throw .starting }
        do {
            try keys?.spend(by: caller)
        } catch {
            metrics.rejected(error.kind)
            throw error
        }
        switch state.phase {
        case .stopping: throw .draining
        case .starting, .ready, .draining: break
        }
        // Checked before the body is read, so that no client sends 64 MiB to be refused.
        if let refusal = core.queue.refusal(to: caller) {
            metrics.rejected(refusal.problem.kind)
            throw refusal.problem
        }
        // A key that is revoked while the body arrives was valid when the request was admitted.
        return .readBody(limit: configuration.maxBodyBytes, label: operation.name) { [self] request in
            await respond(to: request, operation: operation, core: core, caller: caller)
        }
    }

    private func options(_ head: HTTPRequestHead, allowed: [String]) -> Response {
        var response = Response(status: 204, fields: [.allow: allowed.joined(separator: ", ")])
        if allowedOrigin(head) != nil {
            response.fields[.accessControlAllowMethods] = allowed.joined(separator: ", ")
            response.fields[.accessControlAllowHeaders] = "Content-Type, Authorization, Request-Id, Accept"
            response.fields[.accessControlMaxAge] = "600"
        }
        return finish(response, head, StageTimings())
    }

    // MARK: After the body

    private func respond<Requested: Operation>(
        to request: Request,
        operation: Requested.Type,
        core: InferenceCore,
        caller: Caller
    ) async -> Response {
        let requestID = RequestID.of(request.head.fields)
        metrics.requestStarted()
        defer { metrics.requestEnded() }
        let operationRequest = OperationRequest<Requested>(
            core: core,
            configuration: configuration,
            metrics: metrics,
            requestID: requestID,
            caller: caller
        )
        var timings = StageTimings()
        let response: Response
        do throws(Problem) {
            response = try await operationRequest.response(to: request, timings: &timings)
        } catch {
            if error.kind == .internalError, !Task.isCancelled {
                logger.error("request failed", metadata: ["id": "\(requestID)", "detail": "\(error.detail)"])
            }
            response = error.response(requestID: requestID)
        }
        metrics.stages(timings, operation: operation.name)
        return finish(response, request.head, timings, requestID: requestID)
    }

    // MARK: Around every response

    func refusal(_ refusal: HTTPRefusal) -> Response {
        metrics.rejected(refusal.problem.kind)
        let requestID = RequestID.of(nil)
        return finish(refusal.problem.response(requestID: requestID), nil, StageTimings(), requestID: requestID)
    }

    private func finish(
        _ response: Response,
        _ head: HTTPRequestHead?,
        _ timings: StageTimings,
        requestID: String? = nil
    ) -> Response {
        var response = response
        response.fields[.requestID] = requestID ?? RequestID.of(head?.fields)
        response.fields[.serverTiming] = timings.header
        response.fields[.xContentTypeOptions] = "nosniff"
        if let head, let origin = allowedOrigin(head) {
            response.fields[.accessControlAllowOrigin] = origin
            response.fields[.accessControlExposeHeaders] =
                "Shape, Dtype, UAE-Model, UAE-Latent, UAE-Quality, Request-Id, Server-Timing, Retry-After"
            response.fields[.vary] = "Origin"
        }
        return response
    }

    private func allowedOrigin(_ head: HTTPRequestHead) -> String? {
        guard !configuration.corsOrigins.isEmpty, let origin = head.fields[.origin] else { return nil }
        if configuration.corsOrigins.contains("*") { return "*" }
        return configuration.corsOrigins.contains(origin) ? origin : nil
    }

    func completed(_ exchange: Exchange) {
        metrics.request(
            operation: exchange.label ?? ServiceMetrics.other,
            code: exchange.status,
            seconds: exchange.duration.seconds
        )
        // Probes and pages are routine; operations, and requests for no route at all, are not.
        let isRoutine = exchange.label == ServiceMetrics.other
        guard logger.logLevel <= .debug || !isRoutine else { return }
        logger.log(
            level: isRoutine ? .debug : .info,
            "request",
            metadata: [
                "method": "\(exchange.head?.method.rawValue ?? "-")",
                "path": "\(exchange.head?.path.prefix(120) ?? "-")",
                "status": "\(exchange.status)",
                "bytes_in": "\(exchange.bytesIn)",
                "bytes_out": "\(exchange.bytesOut)",
                "ms": "\(exchange.duration.milliseconds)",
            ]
        )
    }
}
