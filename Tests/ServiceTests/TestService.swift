// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Fixtures
import Foundation
import Logging
import Service

/// A whole service on a free port, for the length of a test.
enum TestService {
    static let goldenDINOv2 = Fixtures.path("golden/dinov2/model")
    static let defaultModel = Fixtures.repository.appending(path: "models/default").path()

    /// The defaults, changed.
    static func settings(_ change: (inout ServiceConfiguration) -> Void) -> ServiceConfiguration {
        var settings = ServiceConfiguration()
        change(&settings)
        return settings
    }

    /// Runs `body` against a service that is ready; then drains it.
    static func run(
        model: String = goldenDINOv2,
        waitsUntilReady: Bool = true,
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        reloads: AsyncStream<Void> = AsyncStream { $0.finish() },
        settings: ServiceConfiguration = ServiceConfiguration(),
        batchRun: @escaping BatchRun = { $0.run($1) },
        _ body: (TestClient) async throws -> Void
    ) async throws {
        var configuration = settings
        configuration.model = model
        configuration.port = 0
        configuration.threads = 2
        configuration.drainDelay = .zero
        let (addresses, continuation) = AsyncStream.makeStream(of: String.self)
        let service = InferenceService(
            configuration: configuration,
            logger: logger,
            reloads: reloads,
            batchRun: batchRun,
            listening: { address in
                continuation.yield(address)
                continuation.finish()
            }
        )
        let running = Task { try await service.run() }
        var iterator = addresses.makeAsyncIterator()
        guard let address = await iterator.next(), let port = address.split(separator: ":").last.flatMap({ UInt16($0) })
        else { throw TestClient.Failure(what: "the service does not listen") }
        let client = TestClient(port: port)
        do {
            if waitsUntilReady {
                while try await client.get("/health/ready").status != 200 {
                    try await Task.sleep(for: .milliseconds(5))
                }
            }
            try await body(client)
        } catch {
            running.cancel()
            // What ended the service is why its client failed.
            if case .failure(let failure) = await running.result { throw failure }
            throw error
        }
        running.cancel()
        try await running.value
    }
}
