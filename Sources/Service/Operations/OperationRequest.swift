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

    /// - Parameters:
    ///   - request: the complete request.
    ///   - timings: filled in on the way, also when the request fails.
    /// - Returns: the response of the operation.
    /// - Throws: the `Problem` to respond with.
    func response(to request: Request, timings: inout StageTimings) async throws(Problem) -> Response {
        let clock = ContinuousClock()
        timings.read = request.bodyAt - request.headAt
        let begun = clock.now
        let prepared = try prepare(request)
        let outcomes = try await outcomes(
            of: prepared,
            deadline: request.headAt + prepared.operation.control.timeout,
            begun: begun,
            timings: &timings
        )
        let writing = clock.now
        defer { timings.write = clock.now - writing }
        return try await prepared.operation.response(
            to: outcomes,
            as: prepared.form,
            context: ResponseContext(model: core.identity, requestID: requestID, imageThreads: core.imageThreads)
        )
    }

    // MARK: Body to items

    /// A request whose parameters are checked and whose images are not yet decoded.
    private struct Prepared: Sendable {
        let operation: Requested
        let items: [InputItem]
        let form: Requested.Form
    }

    private func prepare(_ request: Request) throws(Problem) -> Prepared {
        var given = ParameterSet(of: Requested.self)
        for parameter in request.head.query { try given.add(parameter.name, parameter.value) }
        let reader = InputReader(
            operation: Requested.self,
            model: core.model.configuration,
            limits: InputReader.Limits(items: configuration.maxClientItems, bodyBytes: configuration.maxBodyBytes)
        )
        let input = try reader.read(request, parameters: &given)
        // Checked for images too, which need none of them.
        if Requested.takesLatents { _ = try RawTensorParameters(given) }
        let operation = try Requested(given, model: core.model, timeoutLimit: configuration.requestTimeout)
        let form = try operation.form(
            accept: AcceptHeader(parsing: request.head.fields[.accept] ?? "*/*"),
            isJSON: input.isJSON,
            itemCount: input.items.count
        )
        return Prepared(operation: operation, items: input.items, form: form)
    }

    // MARK: Items to plans

    /// What the engine does for one item.
    private struct ItemPlan: Sendable {
        let tasks: [TaskPlan]
        /// The input of an image, for the quality of its reconstruction.
        let pixels: RGBImage?
    }

    private typealias PlannedItem = (id: String, plan: Result<ItemPlan, Problem>)

    /// Reads a request as ``response(to:timings:)`` does, without running the engine.
    ///
    /// - Returns: how many of its items the engine would get.
    /// - Throws: the `Problem` to respond with.
    func plannedItemCount(of request: Request) throws(Problem) -> Int {
        let prepared = try prepare(request)
        let planned = prepared.items.map { plan($0, of: prepared) }
        try failIfAsked(planned, prepared)
        return planned.count { $0.plan.problem == nil }
    }

    private func plan(
        _ item: InputItem,
        of prepared: Prepared,
        deadline: ContinuousClock.Instant? = nil
    ) -> PlannedItem {
        do throws(Problem) {
            // The item may have waited long for a thread; items that can still be in time must not wait for it.
            if let deadline, deadline <= .now {
                throw QueueError.deadlineExceeded(stage: .queue, timeout: prepared.operation.control.timeout).problem
            }
            return (item.id, .success(try plan(item.payload, prepared.operation)))
        } catch {
            return (item.id, .failure(prepared.items.count > 1 ? error.forItem(item.id) : error))
        }
    }

    private func plan(_ payload: InputItem.Payload, _ operation: Requested) throws(Problem) -> ItemPlan {
        switch payload {
        case .unusable(let problem): throw problem
        case .latent(let input): return ItemPlan(tasks: try plans(input, operation), pixels: nil)
        case .image(let bytes, let range):
            let image = try operation.image.decode(
                bytes[range],
                side: core.model.configuration.imageSide,
                limits: ImageLimits(maximumPixels: configuration.maxImagePixels)
            )
            return ItemPlan(tasks: try plans(.pixels(image.pixels), operation), pixels: image)
        }
    }

    private func plans(_ input: AutoencoderTask.Input, _ operation: Requested) throws(Problem) -> [TaskPlan] {
        let tasks = try operation.tasks(for: input)
        do throws(TaskError) {
            return try tasks.map { task throws(TaskError) in try core.engine.plan(task) }
        } catch {
            throw error.problem
        }
    }

    /// Plans all items on the image threads, in their order.
    private func plan(_ prepared: Prepared, deadline: ContinuousClock.Instant) async -> [PlannedItem] {
        let (items, threads) = (prepared.items, core.imageThreads)
        if items.count == 1 { return [await threads.run { plan(items[0], of: prepared, deadline: deadline) }] }
        return await withTaskGroup(of: (Int, PlannedItem).self) { group in
            for (index, item) in items.enumerated() {
                group.addTask {
                    // A client that has left needs no images decoded.
                    if Task.isCancelled { return (index, (item.id, .failure(QueueError.cancelled.problem))) }
                    return (index, await threads.run { plan(item, of: prepared, deadline: deadline) })
                }
            }
            var planned: [(Int, PlannedItem)] = []
            for await item in group { planned.append(item) }
            return planned.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    /// With `on_error=fail`, one item that cannot be planned fails the request.
    private func failIfAsked(_ planned: [PlannedItem], _ prepared: Prepared) throws(Problem) {
        let problems = planned.compactMap(\.plan.problem)
        if prepared.operation.control.onError == .fail || problems.count == planned.count, let first = problems.first {
            throw first
        }
    }

    // MARK: Plans to results

    private func outcomes(
        of prepared: Prepared,
        deadline: ContinuousClock.Instant,
        begun: ContinuousClock.Instant,
        timings: inout StageTimings
    ) async throws(Problem) -> [ItemOutcome] {
        let (operation, clock) = (prepared.operation, ContinuousClock())
        let reservation = try reserve(prepared)
        // Decoded and checked before they enter the queue, so that one bad item fails alone.
        let planned = await plan(prepared, deadline: deadline)
        timings.image = clock.now - begun
        try failIfAsked(planned, prepared)
        let results: InferenceQueue<EngineBackend>.Outputs
        do {
            results = try await core.queue.submit(
                planned.flatMap { (try? $0.plan.get().tasks) ?? [] },
                reservation: reservation,
                deadline: deadline,
                timeout: operation.control.timeout
            )
        } catch {
            throw error.problem
        }
        timings.queue = results.map(\.wait).max() ?? .zero
        timings.infer = results.map(\.run).max() ?? .zero
        return try merge(planned, results.map(\.output), operation)
    }

    private func reserve(_ prepared: Prepared) throws(Problem) -> Reservation {
        let (operation, engine) = (prepared.operation, core.engine)
        let costs = prepared.items.map { engine.cost(of: operation.outputs, encodesImage: $0.isImage) }
        do {
            return try core.queue.reserve(
                items: prepared.items.count * operation.tasksPerItem,
                cost: costs.reduce(0, +) * Double(operation.tasksPerItem),
                caller: caller
            )
        } catch {
            metrics.rejected(error.problem.kind)
            throw error.problem
        }
    }

    /// Combines the results of tasks into those of items.
    private func merge(
        _ planned: [PlannedItem],
        _ results: [Result<AutoencoderResult, TaskError>],
        _ operation: Requested
    ) throws(Problem) -> [ItemOutcome] {
        var outcomes: [ItemOutcome] = []
        var rest = results[...]
        for item in planned {
            do throws(Problem) {
                let plan = try item.plan.get()
                defer { rest = rest.dropFirst(plan.tasks.count) }
                do throws(TaskError) {
                    let own = try rest.prefix(plan.tasks.count).map { result throws(TaskError) in try result.get() }
                    outcomes.append(
                        ItemOutcome(id: item.id, result: .success(.init(results: own, pixels: plan.pixels)))
                    )
                } catch {
                    throw planned.count > 1 ? error.problem.forItem(item.id) : error.problem
                }
            } catch {
                if operation.control.onError == .fail { throw error }
                outcomes.append(ItemOutcome(id: item.id, result: .failure(error)))
            }
        }
        let failed = outcomes.count { $0.problem != nil }
        metrics.items(outcomes.count - failed, operation: Requested.name, outcome: "ok")
        if failed > 0 { metrics.items(failed, operation: Requested.name, outcome: "failed") }
        return outcomes
    }
}

extension Result where Failure == Problem {
    fileprivate var problem: Problem? {
        switch self {
        case .success: nil
        case .failure(let problem): problem
        }
    }
}
