// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import InferenceQueue

/// The engine as the queue's backend.
struct EngineBackend: InferenceBackend {
    let engine: AutoencoderEngine

    var parallelism: Int { engine.threadCount }

    func cost(of item: AutoencoderTask) -> Double { engine.cost(of: item) }

    func run(_ items: [AutoencoderTask]) -> [Result<AutoencoderResult, TaskError>] { engine.run(items) }
}
