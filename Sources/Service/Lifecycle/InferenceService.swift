// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import InferenceQueue
package import Logging
import ServiceLifecycle
import SocketServer
import TensorKernels

/// The server from start to stop: listens, loads the model, serves, drains.
package struct InferenceService: ServiceLifecycle.Service {
    private let configuration: ServiceConfiguration
    private let logger: Logger
    private let droppedLogLines: @Sendable () -> Int
    private let reloads: AsyncStream<Void>
    private let batchRun: BatchRun
    private let listening: @Sendable (_ address: String) -> Void

    /// Creates a service; ``run()`` starts it.
    ///
    /// - Parameters:
    ///   - configuration: every setting.
    ///   - logger: gets its events.
    ///   - droppedLogLines: how many of them were not written, for metrics.
    ///   - reloads: each element reloads the file of API keys.
    ///   - batchRun: runs a batch; tests replace the engine by it.
    ///   - listening: called with the bound address before the model is loaded.
    package init(
        configuration: ServiceConfiguration,
        logger: Logger,
        droppedLogLines: @escaping @Sendable () -> Int = { 0 },
        reloads: AsyncStream<Void> = AsyncStream { $0.finish() },
        batchRun: @escaping BatchRun = { $0.run($1) },
        listening: @escaping @Sendable (_ address: String) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.logger = logger
        self.droppedLogLines = droppedLogLines
        self.reloads = reloads
        self.batchRun = batchRun
        self.listening = listening
    }

    /// Serves until a graceful shutdown is triggered, and drains.
    ///
    /// - Throws: `ServiceError`.
    package func run() async throws {
        let threads = configuration.threads ?? CPUBudget.available().threads
        let state = ServiceState()
        let metrics = ServiceMetrics()
        let keys = try configuration.apiKeyFile.map { path throws(ServiceError) in
            try APIKeys(path: path, perMinute: configuration.maxKeyRequestsPerMinute)
        }
        let reloading = Task { await reload(keys) }
        defer { reloading.cancel() }
        let (server, adminServer) = makeServers(state: state, metrics: metrics, threads: threads, keys: keys)
        defer {
            server.shutdown()
            // Last: probes and metrics are served while the service drains.
            adminServer?.shutdown()
        }
        let address = try start(server, adminServer)
        listening(address)
        guard try await loadUnlessStopped(state, metrics, threads: threads) else {
            logger.info("stopped while loading")
            return
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await watchWorker(state) }
            group.addTask { await waitForShutdown() }
            try await group.next()
            group.cancelAll()
        }
        await drain(server, state)
    }

    /// - Returns: the address of `server`.
    private func start(_ server: SocketServer, _ adminServer: SocketServer?) throws(ServiceError) -> String {
        do throws(SocketServerError) {
            let address = try server.start()
            var metadata: Logger.Metadata = ["address": "\(address)"]
            if let adminServer { metadata["admin_address"] = "\(try adminServer.start())" }
            logger.info("listening", metadata: metadata)
            return address
        } catch {
            throw .socket(error)
        }
    }

    /// The server, and that of the admin port if there is one: with its own loop and its own limit of connections, so
    /// that probes and metrics do not depend on the load of the other.
    private func makeServers(
        state: ServiceState,
        metrics: ServiceMetrics,
        threads: Int,
        keys: APIKeys?
    ) -> (server: SocketServer, admin: SocketServer?) {
        let inflight = InflightBytes()
        let getRoutes = GetRoutes(
            configuration: configuration,
            state: state,
            metrics: metrics,
            threads: threads,
            inflightBytes: { inflight.read() },
            droppedLogLines: droppedLogLines
        )
        func makeServer(
            _ configuration: ServiceConfiguration,
            _ endpoint: SocketServerConfiguration.Endpoint,
            loops: Int,
            keys: APIKeys?,
            isAdmin: Bool
        ) -> SocketServer {
            let handler = ServiceHandler(
                configuration: configuration,
                state: state,
                metrics: metrics,
                getRoutes: getRoutes,
                keys: keys,
                isAdmin: isAdmin,
                logger: logger
            )
            let sockets = Self.sockets(configuration, endpoint, loops: loops)
            return SocketServer(configuration: sockets, handler: handler)
        }
        // One loop serves some 50,000 small responses a second; more than a few bring nothing.
        let server = makeServer(configuration, endpoint, loops: min(threads, 4), keys: keys, isAdmin: false)
        inflight.server = server
        let admin = adminConfiguration.map { admin in
            makeServer(admin, .tcp(host: admin.host, port: admin.port), loops: 1, keys: nil, isAdmin: true)
        }
        return (server, admin)
    }

    private var adminConfiguration: ServiceConfiguration? {
        guard let port = configuration.adminPort else { return nil }
        var admin = configuration
        admin.port = port
        admin.host = configuration.adminHost ?? configuration.host
        admin.corsOrigins = []
        admin.maxConnections = 64
        return admin
    }

    private static func sockets(
        _ configuration: ServiceConfiguration,
        _ endpoint: SocketServerConfiguration.Endpoint,
        loops: Int
    ) -> SocketServerConfiguration {
        var sockets = SocketServerConfiguration(endpoint: endpoint)
        sockets.loops = loops
        sockets.maximumConnections = configuration.maxConnections
        sockets.maximumInflightBytes = configuration.maxInflightBytes
        sockets.headerTimeout = configuration.headerTimeout
        sockets.bodyTimeout = configuration.bodyTimeout
        sockets.idleTimeout = configuration.idleTimeout
        sockets.writeTimeout = configuration.writeTimeout
        sockets.minimumRate = configuration.minBytesPerSecond
        return sockets
    }

    private var endpoint: SocketServerConfiguration.Endpoint {
        // Sockets that a supervisor has opened already win over the settings.
        let inherited = SocketActivation.take()
        if !inherited.isEmpty { return .inherited(inherited) }
        guard let path = configuration.unixSocket else {
            return .tcp(host: configuration.host, port: configuration.port)
        }
        return .unix(path: path, mode: configuration.unixSocketMode, group: configuration.unixSocketGroup)
    }

    /// Loads the model unless shutdown begins first; nothing was accepted by then, so nothing has to be drained.
    ///
    /// - Returns: whether the model is loaded.
    private func loadUnlessStopped(
        _ state: ServiceState,
        _ metrics: ServiceMetrics,
        threads: Int
    ) async throws -> Bool {
        let (outcomes, continuation) = AsyncStream.makeStream(of: Result<Bool, any Error>.self)
        // Not a task group: it would wait for the load, which cannot be cancelled.
        Task {
            do {
                try await load(state, metrics, threads: threads)
                continuation.yield(.success(true))
            } catch {
                continuation.yield(.failure(error))
            }
        }
        let stopping = Task {
            await waitForShutdown()
            if !Task.isCancelled { continuation.yield(.success(false)) }
        }
        defer { stopping.cancel() }
        for await outcome in outcomes { return try outcome.get() }
        // This task was cancelled.
        return false
    }

    /// Loads and warms the model on a thread of its own, while the service responds to probes.
    private func load(_ state: ServiceState, _ metrics: ServiceMetrics, threads: Int) async throws(ServiceError) {
        let (configuration, batchRun) = (configuration, batchRun)
        let result = await OwnThread.run("uae.load") { () -> Result<(InferenceCore, Double, Double), ServiceError> in
            do throws(ModelError) {
                let loaded = try InferenceCore.load(configuration, threads: threads, batchRun: batchRun)
                return .success((loaded.core, loaded.loadSeconds, loaded.warmupSeconds))
            } catch {
                return .failure(.model(error))
            }
        }
        let (core, loadSeconds, warmupSeconds) = try result.get()
        metrics.started(loadSeconds: loadSeconds, warmupSeconds: warmupSeconds)
        state.start(core)
        let products = core.model.products
        var metadata: Logger.Metadata = [
            "model": "\(core.identity.name)", "revision": "\(core.identity.revision)",
            "threads": .stringConvertible(threads), "load_ms": .stringConvertible(Int(loadSeconds * 1000)),
            "warmup_ms": .stringConvertible(Int(warmupSeconds * 1000)),
            "matrix_products": "\(products.product.name)",
        ]
        if let trial = products.trial {
            metadata["matrix_products_ratio"] = .stringConvertible((Double(trial.ratio) * 100).rounded() / 100)
        }
        if let note = products.note { metadata["matrix_products_note"] = "\(note)" }
        logger.info("ready", metadata: metadata)
    }

    private func waitForShutdown() async {
        // Returns when shutdown begins, or when this task is cancelled.
        try? await gracefulShutdown()
    }

    /// Reloads the file of API keys whenever that is requested.
    private func reload(_ keys: APIKeys?) async {
        for await _ in reloads {
            guard let keys else {
                logger.notice("nothing to reload", metadata: ["reason": "no api-key-file"])
                continue
            }
            do {
                let count = try keys.reload()
                logger.notice("keys reloaded", metadata: ["keys": .stringConvertible(count)])
            } catch {
                logger.error("keys not reloaded", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// Fails the requests of a hanging batch, and ends the service if it hangs on: this process cannot stop a stuck
    /// thread.
    private func watchWorker(_ state: ServiceState) async throws {
        let interval = min(.seconds(1), configuration.watchdog / 4)
        var (isHung, isDamaged) = (false, false)
        while !Task.isCancelled {
            try? await Task.sleep(for: interval)
            if !isDamaged, state.core?.health.isDamaged == true {
                isDamaged = true
                logger.error("the model computes values that are NaN or infinite; the service is not ready")
            }
            guard let busy = state.core?.queue.abandonIfHung() else {
                if isHung { logger.notice("the worker responds again") }
                isHung = false
                continue
            }
            if busy > configuration.watchdog * 2 { throw ServiceError.workerHung(seconds: busy.seconds) }
            if !isHung {
                logger.error(
                    "the worker hangs",
                    metadata: ["busy_ms": .stringConvertible(Int(busy / .milliseconds(1)))]
                )
            }
            isHung = true
        }
    }

    private func drain(_ server: SocketServer, _ state: ServiceState) async {
        logger.info(
            "draining",
            metadata: ["delay_ms": .stringConvertible(Int(configuration.drainDelay / .milliseconds(1)))]
        )
        state.enter(.draining)
        // A load balancer needs time to see that the service is not ready, and sends requests until then.
        await Uncancelled.sleep(for: configuration.drainDelay)
        server.stopAccepting()
        state.enter(.stopping)
        let timeout = configuration.drainTimeout
        let isDone = await Task.detached { await server.drain(timeout: timeout) }.value
        let open = isDone ? 0 : server.connectionCount
        logger.info("stopped", metadata: ["open_connections": .stringConvertible(open)])
    }
}
