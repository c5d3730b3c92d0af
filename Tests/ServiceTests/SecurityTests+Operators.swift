// SPDX-License-Identifier: Apache-2.0

import Fixtures
import Foundation
import Logging
import Service
import Testing

/// What refusals carry, what the log names, and what the admin port serves.
extension ServiceTests.SecurityTests {
    /// What other origins may not read, though it is sent, because Fetch gives it a meaning of its own.
    private static let unexposed: Set<String> = [
        "access-control-allow-origin", "access-control-expose-headers", "cache-control", "connection",
        "content-length", "content-type", "date", "vary", "x-content-type-options",
    ]

    @Test func everyHeaderThatIsSentIsExposed() async throws {
        let origin = [("Origin", "https://a.example")]
        let bad = Array("{\"inputs\":[{\"b64\":\"AAAA\"},{\"b64\":\"\(Data(image).base64EncodedString())\"}]}".utf8)
        let settings = TestService.settings { $0.corsOrigins = ["*"] }
        try await TestService.run(settings: settings) { client in
            var sent: Set<String> = []
            for response in [
                try await client.post("/encode", image, origin), try await client.post("/decode", image, origin),
                try await client.post("/spectrum", image, origin), try await client.get("/encode", origin),
                try await client.post("/encode?on_error=skip&format=raw", bad, origin),
                try await client.post("/encode", image, origin + [("Content-Encoding", "br")]),
            ] {
                let exposed = try #require(response.fields["access-control-expose-headers"])
                let names = Set(
                    exposed.lowercased().split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
                )
                #expect(Set(response.fields.keys).subtracting(Self.unexposed).subtracting(names) == [])
                sent.formUnion(response.fields.keys)
            }
            for name in ["uae-failed", "uae-quality", "uae-latent", "shape", "allow", "accept-encoding"] {
                #expect(sent.contains(name), "\(name)")
            }
        }
    }

    /// Requests that the protocol layer or a limit refuses, each with an id and an origin.
    private static let refusedRequests: [(status: Int, head: String)] = [
        (400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nID"), (400, "GET / HTTP/1.1\r\nID"),
        (400, "GET / HTTP/1.1\r\nHost: a\r\nIDno colon\r\n"), (400, "GET /%zz HTTP/1.1\r\nHost: a\r\nID"),
        (408, "GET / HTTP/1.1\r\nIDX"), (408, "POST /encode HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nID\r\n1"),
        (413, "POST /encode HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\nID"),
        (414, "GET /\(String(repeating: "a", count: 17_000)) HTTP/1.1\r\nHost: a\r\nID"),
        (417, "POST /encode HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 1\r\nID"),
        (431, "GET / HTTP/1.1\r\nHost: a\r\nID" + String(repeating: "a: b\r\n", count: 130)),
        (501, "BREW / HTTP/1.1\r\nHost: a\r\nID"), (505, "GET / HTTP/2.0\r\nHost: a\r\nID"),
        (
            503,
            "POST /encode HTTP/1.1\r\nHost: a\r\nContent-Length: 8000\r\nID\r\n"
                + String(repeating: "a", count: 8000)
        ),
    ]

    @Test func refusalsBeforeTheServiceKeepIDAndOriginAndAreLogged() async throws {
        let log = LogRecorder(level: .info)
        let settings = TestService.settings {
            $0.corsOrigins = ["https://a.example"]
            $0.maxBodyBytes = 10_000
            $0.maxInflightBytes = 5000
            $0.headerTimeout = .milliseconds(500)
            $0.bodyTimeout = .milliseconds(500)
        }
        try await TestService.run(logger: log.logger, settings: settings) { client in
            for (number, refused) in Self.refusedRequests.enumerated() {
                let id = "mine-\(number)"
                let fields = "Request-Id: \(id)\r\nOrigin: https://a.example\r\n"
                var text = refused.head.replacing("ID", with: fields)
                if refused.status != 408, refused.head.hasSuffix("ID") { text += "\r\n" }
                let response = try TestClient.parse(try await client.send(Array(text.utf8)))
                #expect(response.status == refused.status, "\(id) \(response.text)")
                #expect(response.fields["request-id"] == id && response.json["request_id"] as? String == id)
                #expect(response.fields["access-control-allow-origin"] == "https://a.example", "\(id)")
                #expect(response.fields["vary"] == "Origin", "\(id)")
                let line = try #require(log.events.last { $0.message == "request" }?.metadata)
                #expect(line["request_id"] == "\(id)")
                #expect(line["status"]?.description == String(refused.status))
                #expect("\(line["client"] ?? "")".hasPrefix("127.0.0.1:"))
            }
        }
    }

    @Test func aRequestsLineNamesItsCallerWithoutTheKey() async throws {
        try await withKeys("first-key\nsecond-key\n") { path in
            let log = LogRecorder(level: .debug)
            try await TestService.run(logger: log.logger, settings: TestService.settings { $0.apiKeyFile = path }) {
                client in
                func expectCaller(_ name: String, _ response: TestClient.Response) throws {
                    let id = try #require(response.fields["request-id"])
                    let line = log.events.last { $0.metadata["request_id"] == "\(id)" }
                    #expect(line?.metadata["caller"] == "\(name)")
                }
                // printf %s first-key | sha256sum | cut -c 1-8
                let names = ["first-key": "9e24b553", "second-key": "f397f260"]
                for (key, name) in names {
                    try await expectCaller(name, client.post("/encode", image, bearer(key)))
                    try await expectCaller(name, client.post("/encode?x=1", image, bearer(key)))
                    try await expectCaller(name, client.post("/encode", [1], bearer(key)))
                    try await expectCaller(name, client.get("/info", bearer(key)))
                }
                try await expectCaller("-", client.post("/encode", image, bearer("third-key")))
                try await expectCaller("-", client.get("/health/live"))
            }
            #expect(log.lines.allSatisfy { !$0.contains("-key") })
        }
    }

    @Test func theAdminPortServesProbesAndMetricsAlone() async throws {
        try await withKeys("first-key\n") { path in
            let log = LogRecorder(level: .info)
            let settings = TestService.settings {
                $0.apiKeyFile = path
                $0.adminPort = 0
                $0.maxConnections = 1
                $0.corsOrigins = ["*"]
            }
            try await TestService.run(logger: log.logger, settings: settings) { client in
                let listening = try #require(log.events.first { $0.message == "listening" }?.metadata)
                let port = "\(listening["admin_address"] ?? "")".split(separator: ":").last.flatMap { UInt16($0) }
                let admin = TestClient(port: try #require(port))
                // The main port is at its limit, its reserve included.
                let held = try (0..<30).map { _ in try TestClient.connect(client.port) }
                defer { for descriptor in held { close(descriptor) } }
                let page = try await admin.get("/metrics")
                check(page, 200)
                #expect(page.text.contains("uae_ready 1") && page.fields["vary"] == nil)
                for probe in ["/health/live", "/healthz", "/health/ready", "/readyz", "/health/startup"] {
                    check(try await admin.get(probe), 200, probe)
                }
                for target in ["/", "/info", "/labels", "/openapi.yaml", "/problems/draining"] {
                    check(try await admin.get(target), 404, target)
                }
                for target in ["/encode", "/v1/decode"] {
                    check(try await admin.post(target, image, bearer("first-key")), 404, target)
                }
            }
        }
    }
}
