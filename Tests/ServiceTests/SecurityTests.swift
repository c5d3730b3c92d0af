// SPDX-License-Identifier: Apache-2.0

import Fixtures
import Foundation
import Logging
import Service
import Testing

extension ServiceTests {
    /// Keys and their rates, and what strangers may not write or read.
    @Suite struct SecurityTests {
        let image: [UInt8]

        init() throws {
            image = try Fixtures.bytes("golden/dinov2/chelsea.png")
        }

        func check(
            _ response: TestClient.Response,
            _ status: Int,
            _ what: String = "",
            at location: SourceLocation = #_sourceLocation
        ) {
            #expect(response.status == status, "\(what) \(response.text)", sourceLocation: location)
        }

        func bearer(_ key: String) -> [(String, String)] { [("Authorization", "Bearer \(key)")] }

        /// Runs `body` with a key file that holds `text`.
        func withKeys(_ text: String, _ body: (_ path: String) async throws -> Void) async throws {
            let path = FileManager.default.temporaryDirectory.appending(path: "uae-keys-\(UUID().uuidString)").path()
            try Data(text.utf8).write(to: URL(filePath: path))
            defer { try? FileManager.default.removeItem(atPath: path) }
            try await body(path)
        }

        @Test func keysAreAskedForEverywhereButAtTheProbes() async throws {
            try await withKeys("# ours\n\nfirst-key\n \tsecond-key \r\n") { path in
                try await TestService.run(settings: TestService.settings { $0.apiKeyFile = path }) { client in
                    check(try await client.get("/health/live"), 200)
                    // The page asks for the key, and keeps it in memory alone.
                    let page = try await client.get("/")
                    check(page, 200)
                    for part in ["type=\"password\"", "`Bearer ${"] { #expect(page.text.contains(part)) }
                    for store in ["localStorage", "sessionStorage", "cookie", "indexedDB"] {
                        #expect(!page.text.contains(store), "\(store)")
                    }
                    for target in ["/info", "/metrics", "/openapi.yaml"] {
                        let response = try await client.get(target)
                        #expect(response.status == 401 && response.slug == "unauthorized", "\(target)")
                        #expect(response.fields["www-authenticate"] == "Bearer realm=\"uae\"")
                        #expect(response.json["request_id"] as? String == response.fields["request-id"])
                    }
                    for key in ["first-key", "second-key"] {
                        check(try await client.post("/encode", image, bearer(key)), 200)
                    }
                    for wrong in ["first-ke", "# ours", "", "FIRST-KEY", "first-key\tsecond-key"] {
                        check(try await client.post("/encode", image, bearer(wrong)), 401, "\(wrong)")
                    }
                    check(try await client.get("/info", [("Authorization", "Basic first-key")]), 401)
                }
            }
        }

        @Test func keysAreReadAgainWhenAskedFor() async throws {
            try await withKeys("old\n") { path in
                let (reloads, asks) = AsyncStream.makeStream(of: Void.self)
                let log = LogRecorder()
                let settings = TestService.settings { $0.apiKeyFile = path }
                try await TestService.run(logger: log.logger, reloads: reloads, settings: settings) { client in
                    func reload(_ text: String, until line: String) async throws {
                        let count = log.lines.count
                        try Data(text.utf8).write(to: URL(filePath: path))
                        asks.yield()
                        while !log.lines.dropFirst(count).contains(where: { $0.hasPrefix(line) }) {
                            try await Task.sleep(for: .milliseconds(2))
                        }
                    }
                    check(try await client.get("/info", bearer("old")), 200)
                    try await reload("new\n", until: "keys reloaded")
                    check(try await client.get("/info", bearer("old")), 401)
                    check(try await client.get("/info", bearer("new")), 200)
                    // A file that cannot be used changes nothing.
                    try await reload("# none\n", until: "keys not reloaded")
                    check(try await client.get("/info", bearer("new")), 200)
                }
            }
        }

        @Test func aKeyRevokedWhileTheBodyArrivesKeepsItsShare() async throws {
            try await withKeys("revoked\nother\n") { path in
                let (reloads, asks) = AsyncStream.makeStream(of: Void.self)
                let log = LogRecorder()
                let gate = BatchGate()
                defer { gate.open() }
                // Beside one running item, a caller's share of five places is two.
                let settings = TestService.settings {
                    $0.apiKeyFile = path
                    $0.maxQueueItems = 5
                    $0.requestTimeout = .seconds(20)
                }
                try await TestService.run(
                    logger: log.logger,
                    reloads: reloads,
                    settings: settings,
                    batchRun: gate.run
                ) { client in
                    async let running = client.post("/encode", image, bearer("other"))
                    while gate.entered == 0 { try await Task.sleep(for: .milliseconds(2)) }
                    let admitted = try (0..<3).map { _ in try admittedPost(client.port, "/encode", key: "revoked") }
                    try Data("other\n".utf8).write(to: URL(filePath: path))
                    asks.yield()
                    while !log.lines.contains(where: { $0.hasPrefix("keys reloaded") }) {
                        try await Task.sleep(for: .milliseconds(2))
                    }
                    check(try await client.post("/encode", image, bearer("revoked")), 401)
                    let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                        for descriptor in admitted {
                            group.addTask { [image] in try await finish(descriptor, image).status }
                        }
                        var statuses: [Int] = []
                        for try await status in group {
                            statuses.append(status)
                            // The first response is the refusal of the third request; the others wait for the gate.
                            gate.open()
                        }
                        return statuses
                    }
                    #expect(statuses == [429, 200, 200])
                    #expect(try await running.status == 200)
                }
            }
        }

        /// Sends a request's head and waits until the server asks for its body.
        private func admittedPost(_ port: UInt16, _ target: String, key: String) throws -> Int32 {
            let descriptor = try TestClient.connect(port)
            let head =
                "POST \(target) HTTP/1.1\r\nHost: test\r\nConnection: close\r\nAuthorization: Bearer \(key)\r\n"
                + "Expect: 100-continue\r\nContent-Length: \(image.count)\r\n\r\n"
            TestClient.write(descriptor, Array(head.utf8))
            let expected = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
            var received: [UInt8] = []
            while received.count < expected.count {
                var byte: UInt8 = 0
                guard recv(descriptor, &byte, 1, 0) == 1 else { throw TestClient.Failure(what: "no 100") }
                received.append(byte)
            }
            #expect(received == expected)
            return descriptor
        }

        /// Sends the body and reads the response.
        private func finish(_ descriptor: Int32, _ body: [UInt8]) async throws -> TestClient.Response {
            let bytes = await withCheckedContinuation { continuation in
                Thread {
                    TestClient.write(descriptor, body)
                    continuation.resume(returning: TestClient.readToEnd(descriptor))
                    close(descriptor)
                }.start()
            }
            return try TestClient.parse(bytes)
        }

        @Test func aKeyThatIsTooFastIsToldWhenToComeBackAndOthersAreNot() async throws {
            try await withKeys("fast\nother\n") { path in
                let settings = TestService.settings {
                    $0.apiKeyFile = path
                    $0.maxKeyRequestsPerMinute = 2
                }
                try await TestService.run(settings: settings) { client in
                    check(try await client.post("/encode", image, bearer("fast")), 200)
                    let refused = try await client.post("/encode", image, bearer("fast"))
                    #expect(refused.status == 429 && refused.slug == "rate-limited")
                    let seconds = try #require(refused.fields["retry-after"].flatMap { Int($0) })
                    #expect((1...30).contains(seconds) && refused.json["retry_after"] as? Int == seconds)
                    #expect(refused.json["limit"] as? Int == 2)
                    check(try await client.post("/encode", image, bearer("other")), 200)
                    // Only the work is counted.
                    let page = try await client.get("/metrics", bearer("fast"))
                    #expect(page.status == 200)
                    #expect(page.text.contains("uae_rejected_total{reason=\"rate-limited\"} 1"))
                }
            }
        }

        @Test func browsersMayCallOnlyFromOriginsThatAreConfigured() async throws {
            let origin = [("Origin", "https://a.example")]
            try await TestService.run { client in
                for response in [
                    try await client.get("/info", origin), try await client.exchange("OPTIONS", "/encode", origin, nil),
                    try await client.get("/\(String(repeating: "a", count: 17_000))", origin),
                ] {
                    #expect(response.fields.keys.allSatisfy { !$0.hasPrefix("access-control") && $0 != "vary" })
                }
            }
            let settings = TestService.settings { $0.corsOrigins = ["https://a.example"] }
            try await TestService.run(settings: settings) { client in
                let allowed = try await client.get("/info", origin)
                #expect(allowed.fields["access-control-allow-origin"] == "https://a.example")
                #expect(allowed.fields["vary"] == "Origin")
                for other in ["https://b.example", "https://a.example.evil.example", "null"] {
                    let response = try await client.get("/info", [("Origin", other)])
                    #expect(response.fields["access-control-allow-origin"] == nil, "\(other)")
                    #expect(response.fields["vary"] == "Origin", "\(other)")
                }
                // A cache must know without an Origin too.
                #expect(try await client.get("/info").fields["vary"] == "Origin")
                #expect(try await client.exchange("OPTIONS", "/encode", origin, nil).fields["vary"] == "Origin")
            }
        }

        @Test func refusalsNameOneRequestID() async throws {
            try await TestService.run { client in
                for response in [
                    try await client.get("/nothing"), try await client.get("/encode"),
                    try await client.get("/labels?format=xml"), try await client.post("/encode", [1]),
                ] {
                    let id = try #require(response.fields["request-id"])
                    #expect(response.json["request_id"] as? String == id)
                }
            }
        }

        @Test func whatACallerSendsCannotSplitAResponse() async throws {
            try await TestService.run { client in
                for target in [
                    "/a%0d%0aX-Split:%20y", "/problems/%0d%0aX-Split:%20y", "/labels?format=%0d%0aX-Split:%20y",
                ] {
                    let response = try await client.get(target)
                    #expect(response.status >= 400 && response.fields["x-split"] == nil, "\(target)")
                }
                for id in ["a b", "\"", "<b>", "a;b", String(repeating: "x", count: 129), "é"] {
                    let response = try await client.get("/info", [("Request-Id", id)])
                    #expect(response.fields["request-id"] != id)
                }
                let response = try await client.get("/info", [("Request-Id", "a-1.b_c:2")])
                #expect(response.fields["request-id"] == "a-1.b_c:2")
            }
        }

        @Test func logsHoldNeitherBodiesNorKeysNorLineEnds() async throws {
            try await withKeys("a-secret-key\n") { path in
                let log = LogRecorder(level: .info)
                let settings = TestService.settings { $0.apiKeyFile = path }
                try await TestService.run(logger: log.logger, settings: settings) { client in
                    let body = Array("{\"inputs\":[{\"b64\":\"a-secret-body\"}]}".utf8)
                    check(try await client.post("/encode", body, bearer("a-secret-key")), 400)
                    check(try await client.post("/encode?x=a-secret-value", image, bearer("a-secret-key")), 400)
                    check(try await client.post("/encode", image, bearer("a-secret-guess")), 401)
                    check(try await client.get("/a%0aforged%20line", bearer("a-secret-key")), 404)
                    check(try await client.get("/info", bearer("a-secret-key")), 200)
                }
                #expect(log.lines.contains { $0.contains("forged line") }, "a request for no route is logged")
                #expect(!log.lines.contains { $0.contains("/info") }, "a page is not")
                #expect(log.lines.contains { $0.contains("/encode") })
                #expect(log.lines.allSatisfy { !$0.contains("a-secret") })
            }
        }
    }
}
