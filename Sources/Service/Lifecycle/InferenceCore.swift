// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Dispatch
import InferenceQueue
import TensorKernels

/// A loaded and warm model with its queue: what a request needs.
struct InferenceCore: Sendable {
    let model: AutoencoderModel
    let identity: ModelIdentity
    let engine: AutoencoderEngine
    let health: ModelHealth
    let queue: InferenceQueue<EngineBackend>
    /// The threads that parse large bodies, decode and encode images, and serialise large responses.
    let imageThreads: JobPool

    var geometry: LatentGeometry {
        LatentGeometry(model.configuration)
    }

    /// Loads the model that the configuration names and runs it once.
    ///
    /// - Returns: the core, and the seconds that loading and warming up took.
    /// - Throws: `ModelError`.
    static func load(
        _ configuration: ServiceConfiguration,
        threads: Int,
        batchRun: @escaping BatchRun = { $0.run($1) }
    ) throws(ModelError) -> (core: InferenceCore, loadSeconds: Double, warmupSeconds: Double) {
        let clock = ContinuousClock()
        let start = clock.now
        // Hashing the weights takes a second per two gigabytes on one thread, so it starts first.
        let hashed = DispatchSemaphore(value: 0)
        let model = try AutoencoderModel(
            directory: configuration.model,
            head: configuration.head,
            labels: configuration.labels,
            storage: configuration.weightStorage == "float16" ? .float16 : .float32,
            products: configuration.matrixProducts,
            memoryLimit: ProcessLimits.memoryLimit,
            hashing: { hash in
                OwnThread.start("uae.hash") {
                    hash()
                    hashed.signal()
                }
            }
        )
        let engine = try AutoencoderEngine(model: model, threads: threads, memoryLimit: ProcessLimits.memoryLimit)
        let loaded = clock.now
        if configuration.warmupBatch > 0 { try engine.warmUp(batch: configuration.warmupBatch) }
        hashed.wait()
        let warm = clock.now
        let identity = ModelIdentity(model)
        let health = ModelHealth()
        let backend = EngineBackend(engine: engine, health: health, batchRun: batchRun)
        let limits = QueueLimits(
            items: configuration.maxQueueItems,
            batchCost: configuration.maxBatchSize,
            batchDelay: configuration.maxBatchDelay,
            watchdog: configuration.watchdog
        )
        let core = InferenceCore(
            model: model,
            identity: identity,
            engine: engine,
            health: health,
            queue: InferenceQueue(backend: backend, limits: limits),
            imageThreads: JobPool(name: "uae.images", width: threads, cheapCost: RequestWork.Cost.cheap)
        )
        return (core, (loaded - start).seconds, (warm - loaded).seconds)
    }
}
