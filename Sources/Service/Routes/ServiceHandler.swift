// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HTTPWire
import InferenceQueue
import Logging
import SocketServer

/// The service as the sockets see it: which request is answered on the spot, which is read, and by what.
final class ServiceHandler: RequestHandler {
    private let configuration: ServiceConfiguration
    private let state: ServiceState
    private let metrics: ServiceMetrics
    private let pages: GetRoutes
    private let keys: APIKeys?
    private let logger: Logger

    init(
        configuration: ServiceConfiguration,
        state: ServiceState,
        metrics: ServiceMetrics,
        pages: GetRoutes,
        keys: APIKeys?,
        logger: Logger
    ) {
        self.configuration = configuration
        self.state = state
        self.metrics = metrics
        self.pages = pages
        self.keys = keys
        self.logger = logger
    }

    // MARK: Before the body

    func admit(_ head: HTTPRequestHead) -> Admission {
        let route = Route(path: head.path)
        do throws(Problem) {
            return try decide(head, route)
        } catch {
            // One id for header and body: a second call would make up a second one.
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
        guard route.allowedMethods.contains(head.method.rawValue) else {
            var problem = Problem(
                .methodNotAllowed,
                "\(head.path) takes \(route.allowedMethods.joined(separator: ", ")).",
                [("allowed", .array(route.allowedMethods.map(JSONValue.string)))]
            )
            problem.fields[.allow] = route.allowedMethods.joined(separator: ", ")
            throw problem
        }
        if head.method == .options { return .respond(options(head, allowed: route.allowedMethods), label: route.label) }
        let caller = route.isProbe ? .anyone : try keys?.caller(head.fields[.authorization]) ?? .anyone
        guard case .operation(let operation) = route else {
            return .respond(finish(try pages.answer(route, head), head, StageTimings()), label: route.label)
        }
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
        // A full queue is known before the body is read, so nobody sends 64 MiB for a refusal.
        if let refusal = core.queue.refusal(to: caller) {
            metrics.rejected(refusal.problem.kind)
            throw refusal.problem
        }
        // A key that is revoked while the body arrives was valid when the request was admitted.
        return .readBody(limit: configuration.maxBodyBytes, label: route.label) { [self] request in
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

    private func respond(
        to request: Request,
        operation: Operation,
        core: InferenceCore,
        caller: Caller
    ) async -> Response {
        let requestID = RequestID.of(request.head.fields)
        metrics.requestStarted()
        defer { metrics.requestEnded() }
        let inference = InferenceRequest(
            operation: operation,
            core: core,
            configuration: configuration,
            metrics: metrics,
            requestID: requestID,
            caller: caller
        )
        var timings = StageTimings()
        let response: Response
        do throws(Problem) {
            response = try await inference.answer(request, timings: &timings)
        } catch {
            if error.kind == .internalError, !Task.isCancelled {
                logger.error("request failed", metadata: ["id": "\(requestID)", "detail": "\(error.detail)"])
            }
            response = error.response(requestID: requestID)
        }
        metrics.stages(timings, operation: operation.rawValue)
        return finish(response, request.head, timings, requestID: requestID)
    }

    // MARK: Around every answer

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
        response.fields[.serverTiming] = timings.field
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
        let label = exchange.label ?? ServiceMetrics.other
        metrics.request(
            operation: label,
            code: exchange.status,
            seconds: exchange.duration.seconds
        )
        guard logger.logLevel <= .debug || label != ServiceMetrics.other else { return }
        logger.log(
            level: label == ServiceMetrics.other ? .debug : .info,
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
