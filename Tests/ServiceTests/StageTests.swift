// SPDX-License-Identifier: Apache-2.0

import Fixtures
import Foundation
import ImageCodec
import Service
import TensorFiles
import Testing

extension ServiceTests {
    /// What happens between the body and the queue: bounds, the order of errors, turns on the image threads.
    @Suite struct StageTests {
        private let photo: [UInt8]
        private let damaged: [UInt8]

        init() throws {
            photo = try Fixtures.bytes("golden/dinov2/chelsea.png")
            damaged = Array(photo.prefix(photo.count / 2))
        }

        private func json(_ text: String) -> [UInt8] { Array(text.utf8) }

        private func form(_ parts: [(name: String, filename: String?, data: [UInt8])]) -> [UInt8] {
            var body: [UInt8] = []
            for part in parts {
                let filename = part.filename.map { "; filename=\"\($0)\"" } ?? ""
                body += json("--b\r\nContent-Disposition: form-data; name=\"\(part.name)\"\(filename)\r\n\r\n")
                body += part.data + json("\r\n")
            }
            return body + json("--b--\r\n")
        }

        private let isForm = [("Content-Type", "multipart/form-data; boundary=b")]

        private func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

        // MARK: Parameters

        @Test func aValueIsBoundedInEveryForm() async throws {
            let long = String(repeating: "1,", count: 2100)
            let file = (name: "f", filename: Optional("a.png"), data: photo)
            let cases: [(String, [UInt8], [(String, String)])] = [
                ("/decode?scaling_factor=\(long)", photo, []),
                ("/decode", form([file, ("scaling_factor", nil, json(long))]), isForm),
                ("/decode", form([file, ("shape", nil, json(long))]), isForm),
                ("/decode", json("{\"scaling_factor\":\"\(long)\",\"inputs\":[{\"b64\":\"\"}]}"), []),
                ("/decode", json("{\"scaling_factor\":[\(long)11],\"inputs\":[{\"b64\":\"\"}]}"), []),
            ]
            try await TestService.run { client in
                for (target, body, fields) in cases {
                    let response = try await client.post(target, body, fields)
                    #expect(response.status == 400 && response.slug == "bad-parameter", "\(response.text.prefix(300))")
                    #expect(response.json["limit"] as? Int == 4096)
                    let actual = try #require(response.json["actual"] as? Int)
                    #expect([long.utf8.count, long.utf8.count + 2].contains(actual))
                }
                // The longest value that is allowed is read.
                let spaces = String(repeating: " ", count: 4095) + "1"
                let fits = try await client.post(
                    "/decode",
                    form([file, ("scaling_factor", nil, json(spaces))]),
                    isForm
                )
                #expect(fits.status == 200, "\(fits.text.prefix(300))")
            }
        }

        @Test func aValueOfManyMegabytesIsNoText() async throws {
            // Not UTF-8: whoever made a text of it first would say so.
            let value = [UInt8](repeating: 0xFF, count: 8 << 20)
            try await TestService.run { client in
                let response = try await client.post(
                    "/decode",
                    form([("f", "a", photo), ("keep", nil, value)]),
                    isForm
                )
                #expect(response.status == 400 && response.slug == "bad-parameter")
                #expect(response.json["actual"] as? Int == value.count)
            }
        }

        // MARK: Items

        @Test func tooManyLatentsAreRefusedByTheirCount() async throws {
            let count = 3
            let values = [Float](repeating: 0.5, count: count * 96 * 256)
            let shape = [count, 96, 16, 16]
            let npy = try writeNPY(shape: shape, dtype: .float16, values: values)
            let raw = Array(npy.suffix(2 * values.count))
            let safetensors = writeSafetensors(
                [OutgoingTensor(name: "latents", shape: shape, dtype: .float32, values: values)],
                metadata: []
            )
            let cases: [(String, [UInt8], [(String, String)])] = [
                ("/decode", npy, []), ("/decode", safetensors, []),
                ("/decode?dtype=float16&shape=3,96,16,16", raw, []),
                ("/decode", form([("f", "a", npy)]), isForm),
                (
                    "/decode",
                    form([("f", "a", raw), ("shape", nil, json("3,96,16,16")), ("dtype", nil, json("float16"))]), isForm
                ),
                ("/decode", json("{\"inputs\":[{\"b64\":\"\(base64(npy))\"}]}"), []),
                ("/decode", json("{\"inputs\":[{\"b64\":\"\(base64(safetensors))\"}]}"), []),
            ]
            try await TestService.run(settings: TestService.settings { $0.maxClientItems = 2 }) { client in
                for (target, body, fields) in cases {
                    let response = try await client.post(target, body, fields)
                    #expect(response.status == 413 && response.slug == "too-many-items", "\(response.text.prefix(300))")
                    // In values: the header decided, before there were latents to count.
                    #expect(response.json["limit"] as? Int == 2 * 96 * 256)
                    #expect(response.json["actual"] as? Int == values.count)
                }
            }
        }

        @Test func theFirstBadItemIsTheOneNamed() async throws {
            let text = json("no image")
            let cases: [([[UInt8]], String, String)] = [
                ([damaged, text], "0", "image-undecodable"), ([text, damaged], "0", "unsupported-media"),
                ([photo, damaged, text, photo], "1", "image-undecodable"),
                ([photo, text, damaged], "1", "unsupported-media"),
                ([photo, photo, text], "2", "unsupported-media"),
            ]
            try await TestService.run { client in
                for (files, item, slug) in cases {
                    let parts = files.enumerated().map { (name: "f", filename: Optional(String($0)), data: $1) }
                    let inputs = files.map { "{\"b64\":\"\(base64($0))\"}" }
                    let both = [
                        try await client.post("/encode", form(parts), isForm),
                        try await client.post("/encode", json("{\"inputs\":[\(inputs.joined(separator: ","))]}")),
                    ]
                    for response in both {
                        #expect(response.slug == slug, "\(response.text.prefix(300))")
                        #expect(response.json["item"] as? String == item)
                    }
                }
                // Bad base64 is a fault of its item like any other.
                let good = base64(photo)
                let inputs = "[{\"b64\":\"\(base64(damaged))\"},{\"b64\":\"?\"},{\"b64\":\"\(good)\"}]"
                let named = try await client.post("/encode", json("{\"inputs\":\(inputs)}"))
                #expect(named.slug == "image-undecodable" && named.json["item"] as? String == "0")
                let skipped = try await client.post("/encode", json("{\"inputs\":\(inputs),\"on_error\":\"skip\"}"))
                #expect(skipped.status == 200 && skipped.fields["uae-failed"] == "0, 1")
                let statuses = (skipped.json["items"] as? [[String: Any]])?.map { $0["status"] as? Int }
                #expect(statuses == [422, 400, 200])
            }
        }

        // MARK: Turns

        @Test func aRequestLateOnTheImageThreadsSaysSo() async throws {
            // What follows the image makes the body take longer on the way than the time limit.
            let large = photo + [UInt8](repeating: 0, count: 20_000_000)
            try await TestService.run { client in
                let response = try await client.post("/encode?timeout_ms=1", large)
                #expect(response.status == 504 && response.slug == "deadline-exceeded", "\(response.text.prefix(300))")
                #expect(response.json["where"] as? String == "image")
            }
        }

        /// A form of large images of one client, small images of another, without keys.
        @Test func smallImagesOvertakeAFormWhichItsClientTakesAlong() async throws {
            let side = 4000
            let grey = RGBImage(width: side, height: side, pixels: [UInt8](repeating: 90, count: side * side * 3))
            let large = try encodeJPEG(grey, quality: 50)
            let body = form((0..<48).map { ("f", String($0), large) })
            try await TestService.run { client in
                func page() async throws -> String { try await client.get("/metrics").text }
                let descriptor = try TestClient.connect(client.port)
                let head = "POST /encode HTTP/1.1\r\nHost: test\r\nContent-Length: \(body.count)\r\n"
                TestClient.write(descriptor, json(head + "Content-Type: \(isForm[0].1)\r\n\r\n") + body)
                while try await !page().contains(/\nuae_image_jobs [1-9]/) {
                    try await Task.sleep(for: .milliseconds(1))
                }
                for _ in 0..<3 { #expect(try await client.post("/encode", photo).status == 200) }
                // Its other images wait still, until its client leaves.
                #expect(try await page().contains(/\nuae_image_jobs [1-9]/))
                close(descriptor)
                while try await !page().contains("\nuae_inflight_requests 0\n") {
                    try await Task.sleep(for: .milliseconds(1))
                }
                #expect(try await page().contains("\nuae_image_jobs 0\n"))
                #expect(try await page().contains("uae_items_total{op=\"encode\",outcome=\"ok\"} 3\n"))
            }
        }
    }
}
