// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import InferenceQueue

/// From plans to results: one phase of the engine, or two.
extension OperationRequest {
    func outcomes(
        of prepared: Prepared,
        work: RequestWork,
        begun: ContinuousClock.Instant,
        timings: inout StageTimings
    ) async throws(Problem) -> [ItemOutcome] {
        let second = prepared.operation.secondPhase
        let reservation = try reserve(prepared, second)
        // Decoded and checked before they enter the queue, so that one bad item fails alone.
        let planned = try await plan(prepared, work: work)
        timings.image = ContinuousClock.now - begun
        try failIfAsked(planned, prepared)
        let rest = places(for: second, itemCount: planned.count { $0.plan.problem == nil })
        var outcomes = try await run(planned, of: prepared, reservation, keeping: rest, work, &timings)
        if let second {
            let further = try await plan(second, after: outcomes, work: work)
            try failIfAsked(further, prepared)
            outcomes = try await run(further, of: prepared, reservation, keeping: .none, work, &timings)
        }
        // Items of the request, of which several may make one of the response.
        let failed = outcomes.count { $0.problem != nil }
        metrics.items(prepared.items.count - failed, operation: Requested.name, outcome: "ok")
        if failed > 0 { metrics.items(failed, operation: Requested.name, outcome: "failed") }
        return outcomes
    }

    /// Reserves places for the tasks of both phases, or for none.
    private func reserve(_ prepared: Prepared, _ second: (any SecondPhase)?) throws(Problem) -> Reservation {
        let (operation, engine) = (prepared.operation, core.engine)
        let costs = prepared.items.map { engine.cost(of: operation.outputs, encodesImage: $0.input.isImage) }
        let first = Places(
            items: prepared.items.count * operation.tasksPerItem,
            cost: costs.reduce(0, +) * Double(operation.tasksPerItem)
        )
        let all = first + places(for: second, itemCount: prepared.items.count)
        do {
            return try core.queue.reserve(items: all.items, cost: all.cost, caller: caller)
        } catch {
            metrics.rejected(error.problem.kind)
            throw error.problem
        }
    }

    private func places(for second: (any SecondPhase)?, itemCount: Int) -> Places {
        guard let second else { return .none }
        let count = second.taskCount(itemCount: itemCount)
        return Places(items: count, cost: core.engine.cost(of: second.outputs, encodesImage: false) * Double(count))
    }

    /// Plans the second phase on an image thread: each task's values are checked again.
    private func plan(
        _ second: any SecondPhase,
        after outcomes: [ItemOutcome],
        work: RequestWork
    ) async throws(Problem) -> [PlannedItem] {
        let count = second.taskCount(itemCount: outcomes.count)
        return try await work.run(cost: RequestWork.Cost.item * Double(count)) { () throws(Problem) in
            try second.items(after: outcomes).map { item -> PlannedItem in
                do throws(Problem) {
                    let work = try item.work.get()
                    return (item.id, .success(ItemPlan(tasks: try plans(work.tasks), source: work.source)))
                } catch {
                    return (item.id, .failure(error.forItem(item.id)))
                }
            }
        }
    }

    /// Runs one phase: all its tasks wait in the queue at once.
    private func run(
        _ planned: [PlannedItem],
        of prepared: Prepared,
        _ reservation: Reservation,
        keeping rest: Places,
        _ work: RequestWork,
        _ timings: inout StageTimings
    ) async throws(Problem) -> [ItemOutcome] {
        let results: InferenceQueue<EngineBackend>.Outputs
        do {
            results = try await core.queue.submit(
                planned.flatMap { (try? $0.plan.get().tasks) ?? [] },
                reservation: reservation,
                keeping: rest,
                deadline: work.ticket.deadline,
                timeout: work.ticket.timeout
            )
        } catch {
            throw error.problem
        }
        timings.queue += results.map(\.wait).max() ?? .zero
        timings.infer += results.map(\.run).max() ?? .zero
        return try merge(planned, results.map(\.output), prepared.operation)
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
                        ItemOutcome(id: item.id, result: .success(.init(results: own, source: plan.source)))
                    )
                } catch {
                    throw error.problem.forItem(item.id)
                }
            } catch {
                if operation.control.onError == .fail { throw error }
                outcomes.append(ItemOutcome(id: item.id, result: .failure(error)))
            }
        }
        // As in `failIfAsked`: a response needs one item that succeeded.
        if let problem = outcomes.first?.problem, outcomes.allSatisfy({ $0.problem != nil }) { throw problem }
        return outcomes
    }
}
