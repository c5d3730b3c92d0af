// SPDX-License-Identifier: Apache-2.0

package import Autoencoder
import InferenceQueue

/// Runs a batch.
///
/// Tests replace it with a worker that hangs or fails.
package typealias BatchRun =
    @Sendable (_ engine: AutoencoderEngine, _ plans: [TaskPlan]) -> [Result<AutoencoderResult, TaskError>]

/// The engine as the queue's backend.
struct EngineBackend: InferenceBackend {
    let engine: AutoencoderEngine
    var batchRun: BatchRun = { $0.run($1) }

    var parallelism: Int { engine.threadCount }

    func cost(of item: TaskPlan) -> Double { item.cost }

    func run(_ items: [TaskPlan]) -> [Result<AutoencoderResult, TaskError>] { batchRun(engine, items) }
}
