// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Fixtures
import Service
import Synchronization
import Testing

extension ServiceTests {
    /// A worker that hangs or fails, put in the engine's place.
    @Suite struct WorkerFaultTests {
        private let photo: [UInt8]

        init() throws {
            photo = try Fixtures.bytes("golden/dinov2/chelsea.png")
        }

        private static func settings(watchdog: Duration) -> ServiceConfiguration {
            TestService.settings { $0.watchdog = watchdog }
        }

        @Test func aHangingWorkerTurnsReadyTo503AndTheServiceRecovers() async throws {
            let gate = BatchGate()
            // Twice this, after which the process would end, is longer than the test.
            let settings = Self.settings(watchdog: .seconds(2))
            try await TestService.run(settings: settings, batchRun: gate.run) { client in
                let clock = ContinuousClock()
                let begun = clock.now
                async let running = client.post("/encode", photo)
                async let waiting = client.post("/encode", photo)
                while try await client.get("/health/ready").status == 200 {
                    try await Task.sleep(for: .milliseconds(5))
                }
                #expect(clock.now - begun >= settings.watchdog)
                #expect(try await client.get("/health/ready").slug == "worker-unhealthy")
                #expect(try await client.get("/health/live").status == 200)
                for response in try await [running, waiting, client.post("/encode", photo)] {
                    #expect(response.status == 503 && response.slug == "worker-unhealthy", "\(response.text)")
                    #expect(response.fields["retry-after"] != nil)
                }
                gate.open()
                while try await client.get("/health/ready").status != 200 {
                    try await Task.sleep(for: .milliseconds(5))
                }
                #expect(try await client.post("/encode", photo).status == 200)
            }
        }

        @Test func aWorkerThatHangsOnEndsTheServiceForItsSupervisor() async throws {
            let gate = BatchGate()
            defer { gate.open() }
            let settings = Self.settings(watchdog: .milliseconds(200))
            let clock = ContinuousClock()
            let begun = clock.now
            await #expect {
                try await TestService.run(settings: settings, batchRun: gate.run) { client in
                    let response = try await client.post("/encode", photo)
                    #expect(response.status == 503 && response.slug == "worker-unhealthy", "\(response.text)")
                    // Until the service is gone.
                    while true {
                        _ = try await client.get("/health/live")
                        try await Task.sleep(for: .milliseconds(5))
                    }
                }
            } throws: { error in
                if case ServiceError.workerHung(let seconds) = error { seconds >= 0.4 } else { false }
            }
            #expect(clock.now - begun >= .milliseconds(400))
        }

        /// Never the caller's fault, and no load balancer should send more.
        @Test func aModelWhoseNumbersAreNotFiniteGives500AndTurnsReadyTo503() async throws {
            let recorder = LogRecorder()
            let run: BatchRun = { _, plans in plans.map { _ in .failure(.modelNotFinite) } }
            try await TestService.run(logger: recorder.logger, batchRun: run) { client in
                #expect(try await client.get("/health/ready").status == 200)
                let response = try await client.post("/encode", photo)
                #expect(response.status == 500 && response.slug == "internal", "\(response.text)")
                let ready = try await client.get("/health/ready")
                #expect(ready.status == 503 && ready.slug == "worker-unhealthy", "\(ready.text)")
                #expect(try await client.get("/metrics").text.contains("\nuae_ready 0\n"))
                #expect(try await client.get("/health/live").status == 200)
            }
        }

        /// Values too large for any model are the caller's, and leave the service ready.
        @Test func latentsThatOverflowAreRefusedAndLeaveTheServiceReady() async throws {
            let huge = [Float](repeating: 3e38, count: 96 * 256).withUnsafeBytes { [UInt8]($0) }
            try await TestService.run { client in
                let response = try await client.post("/decode?shape=1,96,16,16&normalize=false", huge)
                #expect(response.status == 422 && response.slug == "tensor-nonfinite", "\(response.text)")
                #expect(try await client.get("/health/ready").status == 200)
            }
        }

        @Test func aWorkerThatFailsGives500AndServesTheNextRequest() async throws {
            let failures = Atomic(1)
            let recorder = LogRecorder()
            let run: BatchRun = { engine, plans in
                if failures.exchange(0, ordering: .relaxed) == 0 { return engine.run(plans) }
                return plans.map { _ in .failure(.nothingAsked) }
            }
            try await TestService.run(logger: recorder.logger, batchRun: run) { client in
                let response = try await client.post("/encode", photo, [("Request-Id", "failing")])
                #expect(response.status == 500 && response.slug == "internal", "\(response.text)")
                #expect(response.json["request_id"] as? String == "failing")
                #expect(try await client.get("/health/ready").status == 200)
                #expect(try await client.post("/encode", photo).status == 200)
            }
            #expect(recorder.lines.contains { $0.hasPrefix("request failed") && $0.contains("failing") })
        }
    }
}
