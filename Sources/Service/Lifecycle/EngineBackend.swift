// SPDX-License-Identifier: Apache-2.0

package import Autoencoder
import InferenceQueue
import Synchronization

/// Runs a batch.
///
/// Tests replace it with a worker that hangs or fails.
package typealias BatchRun =
    @Sendable (_ engine: AutoencoderEngine, _ plans: [TaskPlan]) -> [Result<AutoencoderResult, TaskError>]

/// The engine as the queue's backend.
struct EngineBackend: InferenceBackend {
    let engine: AutoencoderEngine
    let health: ModelHealth
    var batchRun: BatchRun = { $0.run($1) }

    var parallelism: Int { engine.threadCount }

    func cost(of item: TaskPlan) -> Double { item.cost }

    func run(_ items: [TaskPlan]) -> [Result<AutoencoderResult, TaskError>] {
        let results = batchRun(engine, items)
        if results.contains(.failure(.modelNotFinite)) { health.markDamaged() }
        return results
    }
}

/// Whether the model has computed what no intact model does.
final class ModelHealth: Sendable {
    private let damaged = Atomic(false)

    /// Memory or weights are damaged, which no later result repairs.
    var isDamaged: Bool { damaged.load(ordering: .relaxed) }

    func markDamaged() { damaged.store(true, ordering: .relaxed) }
}
