// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import InferenceQueue
package import Logging
import ServiceLifecycle
import SocketServer

/// The whole server from its first log line to its last: listen, load, serve, drain.
package struct InferenceService: ServiceLifecycle.Service {
    private let configuration: ServiceConfiguration
    private let logger: Logger
    private let listening: @Sendable (_ address: String) -> Void

    /// A service that does not run yet.
    ///
    /// - Parameters:
    ///   - configuration: every setting.
    ///   - logger: where its events go.
    ///   - listening: called with the bound address before the model is loaded.
    package init(
        configuration: ServiceConfiguration,
        logger: Logger,
        listening: @escaping @Sendable (_ address: String) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.logger = logger
        self.listening = listening
    }

    /// Serves until a graceful shutdown is asked for and done.
    ///
    /// - Throws: `ServiceError`.
    package func run() async throws {
        let threads = configuration.threads ?? CPUBudget.available()
        let state = ServiceState()
        let metrics = ServiceMetrics()
        let keys = try configuration.apiKeyFile.map { path throws(ServiceError) in try APIKeys(path: path) }
        let server = try makeServer(state: state, metrics: metrics, threads: threads, keys: keys)
        let address: String
        do {
            address = try server.start()
        } catch {
            throw ServiceError.socket(error)
        }
        defer { server.shutdown() }
        logger.info("listening", metadata: ["address": "\(address)"])
        listening(address)
        try await load(state, metrics, threads: threads)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await watchWorker(state) }
            group.addTask { await waitForShutdown() }
            try await group.next()
            group.cancelAll()
        }
        await drain(server, state)
    }

    private func makeServer(
        state: ServiceState,
        metrics: ServiceMetrics,
        threads: Int,
        keys: APIKeys?
    ) throws(ServiceError) -> SocketServer {
        let inflight = InflightBytes()
        let pages = GetRoutes(
            configuration: configuration,
            state: state,
            metrics: metrics,
            threads: threads,
            inflightBytes: { inflight.read() }
        )
        let handler = ServiceHandler(
            configuration: configuration,
            state: state,
            metrics: metrics,
            pages: pages,
            keys: keys,
            logger: logger
        )
        do {
            let server = try SocketServer(configuration: socketConfiguration, handler: handler)
            inflight.server = server
            return server
        } catch {
            throw .socket(error)
        }
    }

    private var socketConfiguration: SocketServerConfiguration {
        let endpoint: SocketServerConfiguration.Endpoint =
            configuration.unixSocket.map { .unix(path: $0) }
            ?? .tcp(host: configuration.host, port: configuration.port)
        var sockets = SocketServerConfiguration(endpoint: endpoint)
        sockets.maximumConnections = configuration.maxConnections
        sockets.maximumInflightBytes = configuration.maxInflightBytes
        sockets.headerTimeout = configuration.headerTimeout
        sockets.bodyTimeout = configuration.bodyTimeout
        sockets.idleTimeout = configuration.idleTimeout
        sockets.writeTimeout = configuration.writeTimeout
        return sockets
    }

    /// Loads and warms the model on a thread of its own, while probes are answered already.
    private func load(_ state: ServiceState, _ metrics: ServiceMetrics, threads: Int) async throws(ServiceError) {
        let loader = BlockingPool(width: 1)
        let configuration = configuration
        let result = await loader.run { () -> Result<(InferenceCore, Double, Double), ServiceError> in
            do throws(ModelError) {
                let loaded = try InferenceCore.load(configuration, threads: threads)
                return .success((loaded.core, loaded.loadSeconds, loaded.warmupSeconds))
            } catch {
                return .failure(.model(error))
            }
        }
        let (core, loadSeconds, warmupSeconds) = try result.get()
        metrics.started(loadSeconds: loadSeconds, warmupSeconds: warmupSeconds)
        state.start(core)
        logger.info(
            "ready",
            metadata: [
                "model": "\(core.identity.name)", "revision": "\(core.identity.revision)", "threads": "\(threads)",
                "load_ms": "\(Int(loadSeconds * 1000))", "warmup_ms": "\(Int(warmupSeconds * 1000))",
            ]
        )
    }

    private func waitForShutdown() async {
        // Returns when shutdown begins, or when this task is cancelled.
        try? await gracefulShutdown()
    }

    /// Ends the service if a batch hangs: nothing in this process can take a stuck thread back.
    private func watchWorker(_ state: ServiceState) async throws {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            guard let snapshot = state.core?.queue.snapshot(), let busy = snapshot.busyFor else { continue }
            if busy > configuration.watchdog * 2 { throw ServiceError.workerHung(seconds: busy.seconds) }
        }
    }

    private func drain(_ server: SocketServer, _ state: ServiceState) async {
        logger.info("draining", metadata: ["delay_ms": "\(configuration.drainDelay.milliseconds)"])
        state.enter(.draining)
        // A balancer needs time to see that the service is not ready; until then it may still send requests.
        await Uncancelled.sleep(for: configuration.drainDelay)
        server.stopAccepting()
        state.enter(.stopping)
        let timeout = configuration.drainTimeout
        let isDone = await Task.detached { await server.drain(timeout: timeout) }.value
        logger.info("stopped", metadata: ["open_connections": "\(isDone ? 0 : server.connectionCount)"])
    }
}
