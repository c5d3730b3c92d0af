// SPDX-License-Identifier: Apache-2.0

import Fixtures
import Foundation
import Service
import Testing

extension ServiceTests {
    /// Each limit at its boundary: what just fits is served, and what does not is told the limit that it broke.
    @Suite struct LimitTests {
        private let image: [UInt8]

        init() throws {
            image = try Fixtures.bytes("golden/dinov2/chelsea.png")
        }

        private func items(_ count: Int) -> [UInt8] {
            let input = "{\"b64\":\"\(Data(image).base64EncodedString())\"}"
            return Array("{\"inputs\":[\([String](repeating: input, count: count).joined(separator: ","))]}".utf8)
        }

        /// Latents to `/spectrum`, which cost next to nothing.
        private func latents(_ count: Int) -> [UInt8] {
            let latent = [Float](repeating: 1, count: 96 * 256).withUnsafeBytes { Data($0) }
            let input = "{\"b64\":\"\(latent.base64EncodedString())\"}"
            let inputs = [String](repeating: input, count: count).joined(separator: ",")
            return Array("{\"inputs\":[\(inputs)],\"shape\":[96,16,16]}".utf8)
        }

        private func check(
            _ response: TestClient.Response,
            _ status: Int,
            _ slug: String,
            _ detail: String,
            _ numbers: [String: Int] = [:],
            at location: SourceLocation = #_sourceLocation
        ) {
            #expect(response.status == status && response.slug == slug, "\(response.text)", sourceLocation: location)
            #expect(response.json["detail"] as? String == detail, sourceLocation: location)
            for (name, number) in numbers {
                #expect(response.json[name] as? Int == number, "\(name)", sourceLocation: location)
            }
        }

        @Test func bytesAreCountedExactly() async throws {
            let count = image.count
            try await TestService.run(settings: TestService.settings { $0.maxBodyBytes = count }) { client in
                #expect(try await client.post("/encode", image).status == 200)
                check(
                    try await client.post("/encode", image + [0]),
                    413,
                    "body-too-large",
                    "The body is longer than \(count) bytes.",
                    ["limit": count, "actual": count + 1]
                )
            }
        }

        @Test func itemsAreCountedExactly() async throws {
            let settings = TestService.settings {
                $0.maxClientItems = 3
                $0.maxQueueItems = 5
            }
            try await TestService.run(settings: settings) { client in
                #expect(try await client.post("/encode", items(3)).status == 200)
                check(
                    try await client.post("/encode", items(4)),
                    413,
                    "too-many-items",
                    "The request has 4 items; at most 3 are allowed.",
                    ["limit": 3, "actual": 4]
                )
                // Two tasks an item: four fit into a queue of five, six do not.
                #expect(try await client.post("/encode?flip=both", items(2)).status == 200)
                check(
                    try await client.post("/encode?flip=both", items(3)),
                    413,
                    "too-many-items",
                    "The request makes 6 items; the queue has 5 places.",
                    ["limit": 5, "actual": 6]
                )
            }
        }

        @Test func pixelsAreCountedExactly() async throws {
            let sides = [16, 20].map { image[$0..<$0 + 4].reduce(0) { $0 << 8 | Int($1) } }
            let count = sides[0] * sides[1]
            for limit in [count, count - 1] {
                try await TestService.run(settings: TestService.settings { $0.maxImagePixels = limit }) { client in
                    let response = try await client.post("/encode", image)
                    if limit == count {
                        #expect(response.status == 200)
                    } else {
                        check(
                            response,
                            413,
                            "too-many-pixels",
                            "The image has \(sides[0]) x \(sides[1]) pixels; at most \(limit) are allowed.",
                            ["limit": limit, "actual": count]
                        )
                    }
                }
            }
        }

        @Test func bodiesInFlightAreCountedExactly() async throws {
            let count = image.count
            for limit in [count, count - 1] {
                try await TestService.run(settings: TestService.settings { $0.maxInflightBytes = limit }) { client in
                    let response = try await client.post("/encode", image)
                    if limit == count {
                        #expect(response.status == 200, "\(response.text)")
                    } else {
                        check(
                            response,
                            503,
                            "overloaded",
                            "Bodies and responses may take \(limit) bytes at once, and this body would go beyond; "
                                + "try again later.",
                            ["limit": limit, "retry_after": 1]
                        )
                    }
                }
            }
        }

        @Test func connectionsAreCountedExactly() async throws {
            try await TestService.run(settings: TestService.settings { $0.maxConnections = 2 }) { client in
                let first = try TestClient.connect(client.port)
                // A closed connection counts until the server has noticed.
                while try await client.get("/info").status != 200 { try await Task.sleep(for: .milliseconds(2)) }
                let second = try TestClient.connect(client.port)
                check(
                    try await client.get("/info"),
                    503,
                    "overloaded",
                    "2 connections are open already; try again later.",
                    ["limit": 2, "retry_after": 1]
                )
                #expect(try await client.get("/health/live").status == 200)
                close(first)
                close(second)
            }
        }

        // MARK: The queue

        /// Runs `body` while the worker is held in a batch of one item, which takes no place of the queue.
        private func withHeldWorker(
            _ settings: ServiceConfiguration,
            key: String? = nil,
            _ body: (TestClient, [(String, String)], BatchGate) async throws -> Void
        ) async throws {
            let gate = BatchGate()
            defer { gate.open() }
            try await TestService.run(settings: settings, batchRun: gate.run) { client in
                let fields = key.map { [("Authorization", "Bearer \($0)")] } ?? []
                async let running = client.post("/encode", image, fields)
                while gate.entered == 0 { try await Task.sleep(for: .milliseconds(2)) }
                try await body(client, fields, gate)
                gate.open()
                #expect(try await running.status == 200)
            }
        }

        private func waitForItems(_ count: Int, _ client: TestClient, _ fields: [(String, String)]) async throws {
            while try await !client.get("/metrics", fields).text.contains("\nuae_queue_items \(count)\n") {
                try await Task.sleep(for: .milliseconds(2))
            }
        }

        @Test func aFullQueueIsToldByItsPlaces() async throws {
            try await withHeldWorker(TestService.settings { $0.maxQueueItems = 3 }) { client, fields, gate in
                async let waiting = client.post("/spectrum", latents(2))
                try await waitForItems(2, client, fields)
                check(
                    try await client.post("/spectrum", latents(2)),
                    429,
                    "queue-full",
                    "2 of 3 places of the queue are taken; this request needs 2.",
                    ["queue_items": 2, "requested": 2, "capacity": 3]
                )
                async let last = client.post("/spectrum", latents(1))
                try await waitForItems(3, client, fields)
                // Before the body is read a request needs one place at least.
                let refused = try await client.post("/encode", image)
                check(
                    refused,
                    429,
                    "queue-full",
                    "3 of 3 places of the queue are taken; this request needs 1.",
                    ["queue_items": 3, "requested": 1, "capacity": 3]
                )
                #expect(refused.json["refused_by"] as? String == "places" && refused.fields["retry-after"] != nil)
                gate.open()
                #expect(try await [waiting.status, last.status] == [200, 200])
            }
        }

        @Test func costlyWorkIsToldByItsCost() async throws {
            try await withHeldWorker(TestService.settings { $0.maxQueueItems = 256 }) { client, _, gate in
                // Decoding costs several encodes.
                var waiting: [Task<Int, any Error>] = []
                var refusal: TestClient.Response?
                while refusal == nil {
                    let count = waiting.count
                    let response = Task { try await client.post("/decode", items(32)) }
                    waiting.append(Task { try await response.value.status })
                    while true {
                        if try await client.get("/metrics").text.contains("\nuae_queue_items \(32 * (count + 1))\n") {
                            break
                        }
                        if try await client.get("/metrics").text.contains("reason=\"queue-full\"} 1") {
                            refusal = try await response.value
                            break
                        }
                        try await Task.sleep(for: .milliseconds(2))
                    }
                }
                let refused = try #require(refusal)
                #expect(refused.status == 429 && refused.json["refused_by"] as? String == "cost", "\(refused.text)")
                let cost = try #require(refused.json["queue_cost"] as? Double)
                let added = try #require(refused.json["requested_cost"] as? Double)
                let places = try #require(refused.json["queue_items"] as? Int)
                // By places it would have fitted: the text must not say otherwise.
                #expect(places + 32 <= 256 && cost + added > 256 && cost <= 256)
                #expect((refused.json["detail"] as? String)?.contains("encodes of at most 256") == true)
                gate.open()
                for task in waiting.dropLast() { #expect(try await task.value == 200) }
            }
        }

        @Test func aCallersShareIsToldAsSuch() async throws {
            let path = FileManager.default.temporaryDirectory.appending(path: "uae-keys-\(UUID().uuidString)").path()
            try Data("first\nsecond\n".utf8).write(to: URL(filePath: path))
            defer { try? FileManager.default.removeItem(atPath: path) }
            let settings = TestService.settings {
                $0.apiKeyFile = path
                $0.maxQueueItems = 5
            }
            try await withHeldWorker(settings, key: "first") { client, fields, gate in
                async let waiting = client.post("/encode", items(2), fields)
                try await waitForItems(2, client, fields)
                let refused = try await client.post("/encode", image, fields)
                check(
                    refused,
                    429,
                    "queue-full",
                    "Your requests hold 2 of the 2 places taken of 5; with 1 more they would hold more than they "
                        + "leave free.",
                    ["caller_items": 2, "queue_items": 2, "requested": 1, "capacity": 5]
                )
                #expect(refused.json["refused_by"] as? String == "caller-places")
                // Another caller has its own.
                async let other = client.post("/encode", image, [("Authorization", "Bearer second")])
                try await waitForItems(3, client, fields)
                gate.open()
                #expect(try await [waiting.status, other.status] == [200, 200])
            }
        }
    }
}
