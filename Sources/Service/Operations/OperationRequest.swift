// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import HTTPTypes
import HTTPWire
import ImageCodec
import InferenceQueue

/// One request to an operation, from its body to its response.
struct OperationRequest<Requested: Operation>: Sendable {
    let core: InferenceCore
    let configuration: ServiceConfiguration
    let metrics: ServiceMetrics
    let requestID: String
    let caller: Caller
    /// Names the item of a body that is one file; nil: its index does.
    var itemID: String?

    /// - Parameters:
    ///   - request: the complete request.
    ///   - timings: filled in on the way, also when the request fails.
    /// - Returns: the response of the operation.
    /// - Throws: the `Problem` to respond with.
    func response(to request: Request, timings: inout StageTimings) async throws(Problem) -> Response {
        do throws(Problem) {
            return try await result(of: request, timings: &timings)
        } catch {
            throw error.suspectingTextMode(request)
        }
    }

    private func result(of request: Request, timings: inout StageTimings) async throws(Problem) -> Response {
        let clock = ContinuousClock()
        timings.read = request.bodyAt - request.headAt
        let begun = clock.now
        let given = try queryParameters(request)
        // Form and JSON may have a time limit of their own, which is known once they are parsed.
        var timeout = try ControlParameters(given, timeoutLimit: configuration.requestTimeout).timeout
        let ticket = core.imageThreads.ticket(for: caller, deadline: request.headAt + timeout, timeout: timeout)
        var work = RequestWork(threads: core.imageThreads, ticket: ticket)
        let prepared: Prepared
        if isShort(request.body) {
            prepared = try prepare(request, given)
        } else {
            prepared = try await work.run(cost: RequestWork.Cost.parsing(byteCount: request.body.count)) {
                () throws(Problem) in try prepare(request, given)
            }
        }
        timeout = prepared.operation.control.timeout
        work.ticket.limit(timeout, until: request.headAt + timeout)
        let outcomes = try await outcomes(of: prepared, work: work, begun: begun, timings: &timings)
        let writing = clock.now
        defer { timings.write = clock.now - writing }
        return try await prepared.operation.response(
            to: outcomes,
            as: prepared.form,
            context: ResponseContext(model: core.identity, requestID: requestID, work: work)
        )
    }

    /// Whether a body is parsed in the request's task, which takes a millisecond at most; a compressed array can inflate
    /// to a thousand times its size.
    private func isShort(_ body: [UInt8]) -> Bool {
        body.count <= 128 << 10 && (!Requested.takesLatents || ImageFormat.sniff(body) != nil)
    }

    // MARK: Body to items

    /// A request whose parameters are checked and whose images are not yet decoded.
    struct Prepared: Sendable {
        let operation: Requested
        let items: [(input: InputItem, cost: Double)]
        let form: Requested.Form
    }

    private func queryParameters(_ request: Request) throws(Problem) -> ParameterSet {
        var given = ParameterSet(of: Requested.self)
        for parameter in request.head.query { try given.add(parameter.name, parameter.value) }
        return given
    }

    private func prepare(_ request: Request, _ query: ParameterSet) throws(Problem) -> Prepared {
        var given = query
        let reader = InputReader(
            operation: Requested.self,
            model: core.model.configuration,
            limits: InputReader.Limits(items: configuration.maxClientItems, bodyBytes: configuration.maxBodyBytes),
            itemID: itemID
        )
        let input = try reader.read(request, parameters: &given)
        if case .unusable(let problem)? = input.items.first?.payload, given.text("on_error") != "skip" { throw problem }
        if Requested.takesLatents {
            let stated = try RawTensorParameters(given)
            // Among several files, they may be those of another.
            if input.items.allSatisfy(\.isImage), stated.shape != nil || stated.statesDType {
                throw .conflict(
                    stated.shape == nil ? "dtype" : "shape",
                    "it describes a raw tensor, and an image was sent"
                )
            }
        }
        let operation = try Requested(given, model: core.model, timeoutLimit: configuration.requestTimeout)
        try checkResultCount(operation, itemCount: input.items.count)
        let form = try operation.form(
            accept: AcceptHeader(parsing: request.head.fields[.accept] ?? "*/*"),
            isJSON: input.isJSON,
            itemCount: input.items.count
        )
        var items = input.items
        // Nothing after a bad item is looked at if it fails the request; an item before it may be bad too.
        if operation.control.onError == .fail, let bad = items.firstIndex(where: \.isUnusable) {
            items.removeSubrange((bad + 1)...)
        }
        return Prepared(operation: operation, items: items.map { ($0, $0.cost) }, form: form)
    }

    /// A small request for many results is as much work as a request of many items.
    private func checkResultCount(_ operation: Requested, itemCount: Int) throws(Problem) {
        let (count, limit) = (itemCount * operation.resultsPerItem, configuration.maxClientItems)
        guard count > limit else { return }
        throw Problem(
            .tooManyItems,
            "The request asks for \(count) results (items: \(itemCount), levels: \(operation.resultsPerItem)); "
                + "at most \(limit) are allowed.",
            [("limit", .integer(limit)), ("actual", .integer(count))]
        )
    }

    // MARK: Items to plans

    /// What the engine does for one item.
    struct ItemPlan: Sendable {
        let tasks: [TaskPlan]
        let source: ItemSource
    }

    typealias PlannedItem = (id: String, plan: Result<ItemPlan, Problem>)

    /// Reads a request as ``response(to:timings:)`` does, without running the engine.
    ///
    /// - Returns: how many of its items the engine would get.
    /// - Throws: the `Problem` to respond with.
    func plannedItemCount(of request: Request) throws(Problem) -> Int {
        let prepared = try prepare(request, try queryParameters(request))
        let planned = prepared.items.map { plan($0.input, of: prepared) }
        try failIfAsked(planned, prepared)
        return planned.count { $0.plan.problem == nil }
    }

    private func plan(_ item: InputItem, of prepared: Prepared) -> PlannedItem {
        do throws(Problem) {
            return (item.id, .success(try plan(item.payload, prepared.operation)))
        } catch {
            return (item.id, .failure(error.forItem(item.id)))
        }
    }

    private func plan(_ payload: InputItem.Payload, _ operation: Requested) throws(Problem) -> ItemPlan {
        switch payload {
        case .unusable(let problem): throw problem
        case .latent(let input, let isNormalized):
            return ItemPlan(
                tasks: try plans(input, operation, isNormalized: isNormalized),
                source: ItemSource(latent: input, tokenCount: core.model.configuration.tokenCount)
            )
        case .image(let bytes, let range):
            let image = try operation.image.decode(
                bytes[range],
                side: core.model.configuration.imageSide,
                limits: ImageLimits(maximumPixels: configuration.maxImagePixels)
            )
            return ItemPlan(tasks: try plans(.pixels(image.pixels), operation), source: .image(image))
        }
    }

    private func plans(
        _ input: AutoencoderTask.Input,
        _ operation: Requested,
        isNormalized: Bool? = nil
    ) throws(Problem) -> [TaskPlan] {
        var tasks = try operation.tasks(for: input)
        if let isNormalized {
            for index in tasks.indices { tasks[index].latentIsNormalized = isNormalized }
        }
        return try plans(tasks)
    }

    func plans(_ tasks: [AutoencoderTask]) throws(Problem) -> [TaskPlan] {
        do throws(TaskError) {
            return try tasks.map { task throws(TaskError) in try core.engine.plan(task) }
        } catch {
            throw error.problem
        }
    }

    /// Plans all items on the image threads.
    func plan(_ prepared: Prepared, work: RequestWork) async throws(Problem) -> [PlannedItem] {
        try await work.map(prepared.items) { item throws(Problem) in
            try await work.run(cost: item.cost) { plan(item.input, of: prepared) }
        }
    }

    /// With `on_error=fail`, one item that cannot be planned fails the request.
    func failIfAsked(_ planned: [PlannedItem], _ prepared: Prepared) throws(Problem) {
        let problems = planned.compactMap(\.plan.problem)
        if prepared.operation.control.onError == .fail || problems.count == planned.count, let first = problems.first {
            throw first
        }
    }
}
