// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HTTPWire
import InferenceQueue
import Logging
import SocketServer
import TensorFiles

/// The service as the sockets see it: admits each request by its head, and routes it.
final class ServiceHandler: RequestHandler {
    private let configuration: ServiceConfiguration
    private let state: ServiceState
    private let metrics: ServiceMetrics
    private let getRoutes: GetRoutes
    private let keys: APIKeys?
    private let isAdmin: Bool
    private let logger: Logger
    private let exposedHeaders = HTTPField.Name.exposed.map(\.rawName).joined(separator: ", ")

    /// With `isAdmin` it serves the admin port: probes and metrics alone.
    init(
        configuration: ServiceConfiguration,
        state: ServiceState,
        metrics: ServiceMetrics,
        getRoutes: GetRoutes,
        keys: APIKeys?,
        isAdmin: Bool = false,
        logger: Logger
    ) {
        self.configuration = configuration
        self.state = state
        self.metrics = metrics
        self.getRoutes = getRoutes
        self.keys = keys
        self.isAdmin = isAdmin
        self.logger = logger
    }

    // MARK: Before the body

    func admit(_ head: HTTPRequestHead) -> Admission {
        let route = Route(path: head.path).flatMap { $0.isOnAdminPort || !isAdmin ? $0 : nil }
        // One id for header, body and log: a second call would create another.
        var note = RequestNote(id: RequestID.of(head.fields), label: route?.label)
        do throws(Problem) {
            return try decide(head, route, &note)
        } catch {
            return .respond(finish(error.response(requestID: note.id), head, note), note: note)
        }
    }

    private func decide(
        _ head: HTTPRequestHead,
        _ route: Route?,
        _ note: inout RequestNote
    ) throws(Problem) -> Admission {
        if head.path == "*" {
            return .respond(options(head, note, allowed: ["GET", "HEAD", "POST", "OPTIONS"]), note: note)
        }
        guard let route else { throw .notFound(head.path) }
        if head.isOverLimit, !route.isProbe {
            throw HTTPRefusal.tooManyConnections(limit: configuration.maxConnections).problem
        }
        let methods = route.methods.joined(separator: ", ")
        guard route.methods.contains(head.method.rawValue) else {
            var problem = Problem(
                .methodNotAllowed,
                "\(head.method.rawValue) is not allowed for \(printable(head.path, limit: 64)); use \(methods).",
                [("allowed", .array(route.methods.map(JSONValue.string)))]
            )
            problem.fields[.allow] = methods
            throw problem
        }
        if head.method == .options { return .respond(options(head, note, allowed: route.methods), note: note) }
        let caller = route.needsKey ? try keys?.caller(head.fields[.authorization]) ?? .anyone : .anyone
        note.caller = APIKeys.name(of: caller)
        switch route.action {
        // Unknown parameters are ignored here: probes and monitors add some.
        case .get(let handler): return .respond(finish(try handler(getRoutes)(head), head, note), note: note)
        case .operation(let operation): return try admit(to: operation, caller, note)
        }
    }

    private func admit<Requested: Operation>(
        to operation: Requested.Type,
        _ caller: Caller,
        _ note: RequestNote
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
        return .readBody(limit: configuration.maxBodyBytes, note: note) { [self] request in
            await respond(to: request, operation: operation, core: core, caller: caller, note)
        }
    }

    private func options(_ head: HTTPRequestHead, _ note: RequestNote, allowed: [String]) -> Response {
        var response = Response(status: 204, fields: [.allow: allowed.joined(separator: ", ")])
        if allowedOrigin(head) != nil {
            response.fields[.accessControlAllowMethods] = allowed.joined(separator: ", ")
            response.fields[.accessControlAllowHeaders] = "Content-Type, Authorization, Request-Id, Accept"
            response.fields[.accessControlMaxAge] = "600"
        }
        return finish(response, head, note)
    }

    // MARK: After the body

    private func respond<Requested: Operation>(
        to request: Request,
        operation: Requested.Type,
        core: InferenceCore,
        caller: Caller,
        _ note: RequestNote
    ) async -> Response {
        metrics.requestStarted()
        defer { metrics.requestEnded() }
        let operationRequest = OperationRequest<Requested>(
            core: core,
            configuration: configuration,
            metrics: metrics,
            requestID: note.id,
            caller: caller
        )
        var timings = StageTimings()
        let response: Response
        do throws(Problem) {
            response = try await operationRequest.response(to: request, timings: &timings)
        } catch {
            if error.kind == .internalError, !Task.isCancelled {
                logger.error("request failed", metadata: ["request_id": "\(note.id)", "detail": "\(error.detail)"])
            }
            response = error.response(requestID: note.id)
        }
        metrics.stages(timings, operation: operation.name)
        return finish(response, request.head, note, timings)
    }

    // MARK: Around every response

    func refusal(
        _ refusal: HTTPRefusal,
        of head: HTTPRequestHead?,
        note: RequestNote?
    ) -> (response: Response, note: RequestNote?) {
        metrics.rejected(refusal.problem.kind)
        let note = note ?? RequestNote(id: RequestID.of(head?.fields))
        return (finish(refusal.problem.response(requestID: note.id), head, note), note)
    }

    private func finish(
        _ response: Response,
        _ head: HTTPRequestHead?,
        _ note: RequestNote,
        _ timings: StageTimings = StageTimings()
    ) -> Response {
        var response = response
        response.fields[.requestID] = note.id
        response.fields[.serverTiming] = timings.header
        response.fields[.xContentTypeOptions] = "nosniff"
        // Whatever the origin, and without one: a cache must not give one origin's response to another.
        if !configuration.corsOrigins.isEmpty { response.fields.append(HTTPField(name: .vary, value: "Origin")) }
        if let head, let origin = allowedOrigin(head) {
            response.fields[.accessControlAllowOrigin] = origin
            response.fields[.accessControlExposeHeaders] = exposedHeaders
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
            operation: exchange.note?.label ?? ServiceMetrics.other,
            code: exchange.status,
            seconds: exchange.duration.seconds
        )
        // Probes and pages are routine; operations, requests for no route at all, and clients' mistakes are not.
        let isRoutine = exchange.note?.label == ServiceMetrics.other && !(400..<500).contains(exchange.status)
        guard logger.logLevel <= .debug || !isRoutine else { return }
        logger.log(
            level: isRoutine ? .debug : .info,
            "request",
            metadata: [
                "request_id": "\(exchange.note?.id ?? RequestID.of(exchange.head?.fields))",
                "caller": "\(exchange.note?.caller ?? "-")",
                "client": "\(exchange.client)",
                "method": "\(exchange.head?.method.rawValue ?? "-")",
                "path": "\(printable(exchange.head?.path ?? "-", limit: 120))",
                "status": .stringConvertible(exchange.status),
                "bytes_in": .stringConvertible(exchange.bytesIn),
                "bytes_out": .stringConvertible(exchange.bytesOut),
                "ms": .stringConvertible(exchange.duration.roundedMilliseconds),
            ]
        )
    }
}
