// SPDX-License-Identifier: Apache-2.0

import Fixtures
import Foundation
import ImageCodec
import Service
import Testing

extension ServiceTests {
    /// Many clients at once, clients that leave, and shutdown under load.
    @Suite struct LoadTests {
        private let photos: [[UInt8]]

        init() throws {
            photos = try ["dinov2/chelsea.png", "clip/china.jpg", "siglip2/rocket.jpg"].map {
                try Fixtures.bytes("golden/" + $0)
            }
        }

        private static let targets = [
            "/encode", "/decode", "/encode?pool=mean", "/spectrum", "/encode?keep=9&layout=tokens",
        ]

        @Test func responsesDoNotDependOnTheirBatch() async throws {
            try await TestService.run { client in
                var alone: [String: [UInt8]] = [:]
                for (index, photo) in photos.enumerated() {
                    for target in Self.targets {
                        alone["\(index)\(target)"] = try await client.post(target, photo).body
                    }
                }
                let expected = alone
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for caller in 0..<32 {
                        group.addTask {
                            for round in 0..<4 {
                                let index = (caller + round) % photos.count
                                let target = Self.targets[(caller * 7 + round) % Self.targets.count]
                                let response = try await client.post(target, photos[index])
                                #expect(response.status == 200)
                                #expect(response.body == expected["\(index)\(target)"], "\(target)")
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }

        @Test func severalImagesInOneRequestEqualSingles() async throws {
            try await TestService.run { client in
                var body: [UInt8] = []
                var singles: [UInt8] = []
                for (index, photo) in (photos + photos + [photos[0]]).enumerated() {
                    body += Array(
                        "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\(index)\"\r\n\r\n".utf8
                    )
                    body += photo + Array("\r\n".utf8)
                    singles += try await client.post("/encode", photo).body
                }
                body += Array("--b--".utf8)
                let type = [("Content-Type", "multipart/form-data; boundary=b")]
                let together = try await client.post("/encode", body, type)
                #expect(together.fields["shape"] == "[7,96,16,16]")
                #expect(together.body == singles)
            }
        }

        @Test func aFullQueueRefusesAtOnceAndSaysWhenToComeBack() async throws {
            try await TestService.run(settings: TestService.settings { $0.maxQueueItems = 1 }) { client in
                let responses = try await withThrowingTaskGroup(of: TestClient.Response.self) { group in
                    for _ in 0..<48 { group.addTask { try await client.post("/decode", photos[0]) } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                let refused = responses.filter { $0.status == 429 }
                let others = responses.filter { $0.status != 200 && $0.status != 429 }
                #expect(others.map(\.text) == [])
                #expect(responses.contains { $0.status == 200 } && !refused.isEmpty)
                for response in refused {
                    let seconds = try #require(response.fields["retry-after"].flatMap { Int($0) })
                    #expect(response.slug == "queue-full" && (1...30).contains(seconds))
                    #expect(response.json["capacity"] as? Int == 1 && response.json["retry_after"] as? Int == seconds)
                }
            }
        }

        @Test func clientsThatLeaveFreeTheirItems() async throws {
            try await TestService.run { client in
                let head = "POST /decode HTTP/1.1\r\nHost: test\r\nContent-Length: \(photos[0].count)\r\n\r\n"
                let request = Array(head.utf8) + photos[0]
                for _ in 0..<40 {
                    let descriptor = try TestClient.connect(client.port)
                    TestClient.write(descriptor, request)
                    close(descriptor)
                }
                // Nobody waits for these any more: the service soon holds nothing of them.
                while true {
                    let metrics = try await client.get("/metrics").text
                    if metrics.contains("\nuae_inflight_requests 0\n"), metrics.contains("\nuae_queue_items 0\n"),
                        metrics.contains("\nuae_inflight_bytes 0\n")
                    {
                        break
                    }
                    try await Task.sleep(for: .milliseconds(5))
                }
                #expect(try await client.post("/encode", photos[1]).status == 200)
            }
        }

        @Test func aHalfClosedClientGetsItsResponse() async throws {
            try await TestService.run { client in
                let descriptor = try TestClient.connect(client.port)
                defer { close(descriptor) }
                let head = "POST /encode HTTP/1.1\r\nHost: test\r\nContent-Length: \(photos[0].count)\r\n\r\n"
                TestClient.write(descriptor, Array(head.utf8) + photos[0])
                shutdown(descriptor, Int32(SHUT_WR))
                let response = try TestClient.parse(TestClient.readToEnd(descriptor))
                #expect(response.status == 200 && response.body.count == 96 * 256 * 4)
            }
        }

        // Decoding occupies a thread for long. On the threads of Swift's tasks it would delay every other response.
        @Test func largeImagesDoNotKeepOthersWaiting() async throws {
            let side = 6000
            let grey = RGBImage(width: side, height: side, pixels: [UInt8](repeating: 90, count: side * side * 3))
            let large = try encodeJPEG(grey, quality: 50)
            try await TestService.run { client in
                let clock = ContinuousClock()
                let begun = clock.now
                let responses = (0..<8).map { _ in Task { try await client.post("/encode", large).status } }
                while try await !client.get("/metrics").text.contains("\nuae_inflight_requests 8\n") {
                    try await Task.sleep(for: .milliseconds(1))
                }
                #expect(try await client.post("/encode", Array("hello".utf8)).status == 415)
                let other = clock.now - begun
                for response in responses { #expect(try await response.value == 200) }
                #expect(other < (clock.now - begun) / 2)
            }
        }

        @Test func aImageThatIsLateIsNotDecoded() async throws {
            let side = 6000
            let grey = RGBImage(width: side, height: side, pixels: [UInt8](repeating: 90, count: side * side * 3))
            // What follows the image makes the body take its time on the way.
            let large = try encodeJPEG(grey, quality: 50) + [UInt8](repeating: 0, count: 20_000_000)
            try await TestService.run { client in
                func imageMilliseconds(_ response: TestClient.Response) throws -> Double {
                    let timing = try #require(response.fields["server-timing"]?.firstMatch(of: /image;dur=([0-9.]+)/))
                    return try #require(Double(timing.1))
                }
                let inTime = try await client.post("/encode", large)
                let late = try await client.post("/encode?timeout_ms=1", large)
                #expect(inTime.status == 200 && late.status == 504 && late.slug == "deadline-exceeded")
                #expect(try imageMilliseconds(late) < imageMilliseconds(inTime) / 4)
            }
        }

        @Test func shutdownLosesNoAcceptedRequest() async throws {
            var responses: [Task<TestClient.Response, any Error>] = []
            let photo = photos[0]
            try await TestService.run { client in
                responses = (0..<24).map { _ in Task { try await client.post("/decode", photo) } }
                // All are accepted once all are being worked on; then the service is told to stop.
                while try await !client.get("/metrics").text.contains("\nuae_inflight_requests 24\n") {
                    if try await client.get("/metrics").text.contains("uae_requests_total{op=\"decode\"") { break }
                    try await Task.sleep(for: .milliseconds(5))
                }
            }
            for response in responses {
                switch await response.result {
                case .success(let response): #expect(response.status == 200)
                // Those that had not connected when the listener closed were never accepted.
                case .failure(let failure): #expect((failure as? TestClient.Failure)?.what == "connect \(ECONNREFUSED)")
                }
            }
        }
    }
}
