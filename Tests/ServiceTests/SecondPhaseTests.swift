// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Fixtures
import Foundation
import Service
import Synchronization
import Testing

extension ServiceTests {
    /// What happens to a request between its two phases, and in the second.
    @Suite struct SecondPhaseTests {
        private let picture: [UInt8]

        init() throws {
            picture = try Fixtures.bytes("golden/dinov2/chelsea.png")
        }

        private func until(_ condition: () async throws -> Bool) async throws {
            while try await !condition() { try await Task.sleep(for: .milliseconds(2)) }
        }

        private func metric(_ name: String, _ client: TestClient) async throws -> Double? {
            let page = try await client.get("/metrics").text
            let line = page.split(separator: "\n").first { $0.hasPrefix(name + " ") }
            return line?.split(separator: " ").last.flatMap { Double($0) }
        }

        /// The first phase has a place for each task of the second from the start.
        @Test func theSecondPhaseKeepsItsPlaces() async throws {
            let gate = BatchGate()
            let settings = TestService.settings { $0.maxQueueItems = 8 }
            try await TestService.run(settings: settings, batchRun: gate.run) { client in
                let small = [UInt8](repeating: 0, count: 96 * 4)
                async let list = client.post("/decode?keep=1,2,3,4,5,6", picture)
                try await until { gate.entered == 1 }
                // One task runs, six places are reserved, and two are free.
                let full = try await client.post("/decode?shape=1,96,1&keep=1,2", small)
                #expect(full.status == 429 && full.slug == "queue-full", "\(full.text)")
                #expect(full.json["queue_items"] as? Int == 6 && full.json["requested"] as? Int == 3)
                gate.open()
                #expect(try await list.parts().count == 6)
                // All are free again.
                #expect(try await client.post("/decode?keep=1,2,3,4,5,6,7", picture).parts().count == 7)
                let most = try await client.post("/decode?keep=1,2,3,4,5,6,7,8", picture)
                #expect(most.status == 413 && most.json["limit"] as? Int == 8 && most.json["actual"] as? Int == 9)
            }
        }

        @Test func aClientThatLeavesInTheSecondPhaseFreesItsPlaces() async throws {
            let gate = BatchGate(free: 1)
            let settings = TestService.settings {
                $0.maxQueueItems = 20
                $0.maxBatchSize = 1
            }
            try await TestService.run(settings: settings, batchRun: gate.run) { client in
                let head = "POST /decode?keep=1,2,3,4,5,6,7,8 HTTP/1.1\r\nHost: test\r\n"
                let descriptor = try TestClient.connect(client.port)
                TestClient.write(descriptor, Array("\(head)Content-Length: \(picture.count)\r\n\r\n".utf8) + picture)
                try await until { gate.entered == 2 }
                // A batch has as many tasks as there are threads.
                #expect(try await metric("uae_queue_items", client) == 6)
                close(descriptor)
                try await until { try await metric("uae_inflight_requests", client) == 0 }
                #expect(try await metric("uae_queue_items", client) == 0)
                gate.open()
                #expect(try await client.post("/decode?keep=1,2,3,4,5,6,7,8,9,10,11,12", picture).status == 200)
            }
        }

        @Test func theDeadlineHoldsForBothPhases() async throws {
            let gate = BatchGate(free: 1)
            defer { gate.open() }
            try await TestService.run(batchRun: gate.run) { client in
                async let late = client.post("/decode?keep=1,4&timeout_ms=1500", picture)
                try await until { gate.entered == 2 }
                let response = try await late
                #expect(response.status == 504 && response.slug == "deadline-exceeded", "\(response.text)")
                #expect(response.json["where"] as? String == "inference")
                #expect(response.json["timeout_ms"] as? Int == 1500)
                gate.open()
                #expect(try await client.post("/decode?keep=1,4", picture).status == 200)
            }
        }

        /// A drain lets a request go on to its second phase.
        @Test func shutdownLosesNoSecondPhase() async throws {
            let gate = BatchGate()
            var list: Task<TestClient.Response, any Error>?
            var opening: Task<Void, any Error>?
            let picture = picture
            try await TestService.run(batchRun: gate.run) { client in
                list = Task { try await client.post("/decode?keep=1,4,16", picture) }
                try await until { gate.entered == 1 }
                // Held in the first phase until the service no longer takes connections.
                opening = Task {
                    while (try? await client.get("/health/live")) != nil { try await Task.sleep(for: .milliseconds(2)) }
                    gate.open()
                }
            }
            try await opening?.value
            let response = try #require(try await list?.value)
            #expect(response.status == 200, "\(response.text.prefix(300))")
            #expect(try response.parts().count == 3 && gate.entered >= 2)
        }

        /// Fails one task of the first batch, and counts those of the others.
        private final class FirstTaskFails: Sendable {
            let batches = Mutex<[Int]>([])

            var run: BatchRun {
                { [self] engine, plans in
                    var results = engine.run(plans)
                    let isFirst = batches.withLock { batches in
                        batches.append(plans.count)
                        return batches.count == 1
                    }
                    if isFirst { results[0] = .failure(.resultNotFinite) }
                    return results
                }
            }
        }

        @Test func anItemThatFailsFirstHasNoSecondPhase() async throws {
            let fault = FirstTaskFails()
            let base64 = Data(picture).base64EncodedString()
            // One batch for both items.
            let settings = TestService.settings { $0.maxBatchSize = 64 }
            try await TestService.run(settings: settings, batchRun: fault.run) { client in
                let inputs = "[{\"id\":\"a\",\"b64\":\"\(base64)\"},{\"id\":\"b\",\"b64\":\"\(base64)\"}]"
                let body = "{\"inputs\":\(inputs),\"keep\":[1,4,16],\"on_error\":\"skip\"}"
                let response = try await client.post("/decode", Array(body.utf8))
                let items = try #require(response.json["items"] as? [[String: Any]], "\(response.text.prefix(300))")
                #expect(items.map { $0["status"] as? Int } == [422, 200])
                #expect((items[0]["problem"] as? [String: Any])?["item"] as? String == "a")
                #expect((items[1]["levels"] as? [[String: Any]])?.count == 3)
                #expect(fault.batches.withLock { $0.reduce(0, +) } == 2 + 3)
                // Items, not levels.
                #expect(try await metric("uae_items_total{op=\"decode\",outcome=\"ok\"}", client) == 1)
                #expect(try await metric("uae_items_total{op=\"decode\",outcome=\"failed\"}", client) == 1)
                // Nothing stays reserved.
                #expect(try await client.post("/decode?keep=1,2,3", picture).parts().count == 3)
                #expect(try await metric("uae_items_total{op=\"decode\",outcome=\"ok\"}", client) == 2)
            }
        }

        @Test func anItemThatFailsEndsTheRequestByDefault() async throws {
            let fault = FirstTaskFails()
            try await TestService.run(batchRun: fault.run) { client in
                let response = try await client.post("/decode?keep=1,4", picture)
                #expect(response.status == 422 && response.json["item"] as? String == "0", "\(response.text)")
                #expect(fault.batches.withLock { $0 } == [1])
                #expect(try await client.post("/decode?keep=1,4", picture).status == 200)
            }
        }

        /// Latents that are finite themselves and overflow when they are decoded.
        @Test func aLevelThatOverflowsFailsItsItem() async throws {
            let huge = [Float](repeating: 3e38, count: 96 * 256).withUnsafeBytes { [UInt8]($0) }
            try await TestService.run { client in
                let response = try await client.post("/decode?shape=1,96,16,16&normalize=false&keep=1,256", huge)
                #expect(response.status == 422 && response.slug == "tensor-nonfinite", "\(response.text)")
                #expect(response.json["item"] as? String == "0")
                #expect(try await client.get("/health/ready").status == 200)
            }
        }

        /// Both phases are in the figures of the response.
        @Test func serverTimingAddsThePhasesUp() async throws {
            let gate = BatchGate(free: 1)
            try await TestService.run(batchRun: gate.run) { client in
                func infer(_ response: TestClient.Response) throws -> Double {
                    let header = try #require(response.fields["server-timing"])
                    return try #require(header.firstMatch(of: /infer;dur=([0-9.]+)/).flatMap { Double($0.1) })
                }
                async let list = client.post("/decode?keep=1,4", picture)
                try await until { gate.entered == 2 }
                let clock = ContinuousClock()
                let begun = clock.now
                try await Task.sleep(for: .milliseconds(20))
                let held = (clock.now - begun) / .milliseconds(1)
                gate.open()
                #expect(try await infer(list) >= held)
            }
        }
    }
}
