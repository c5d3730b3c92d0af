// SPDX-License-Identifier: Apache-2.0

import Fixtures
import Foundation
import ImageCodec
import TensorFiles
import Testing

extension ServiceTests {
    /// The forms in which inputs are taken and responses given.
    @Suite struct ResponseTests {
        private let image: [UInt8]
        private let base64: String

        init() throws {
            image = try Fixtures.bytes("golden/dinov2/chelsea.png")
            base64 = Data(image).base64EncodedString()
        }

        private func form(_ parts: [(head: String, body: [UInt8])]) -> [UInt8] {
            parts.flatMap { part in
                Array("--b\r\nContent-Disposition: form-data; \(part.head)\r\n\r\n".utf8) + part.body
                    + Array("\r\n".utf8)
            } + Array("--b--\r\n".utf8)
        }

        @Test func everyInputFormGivesTheSameLatent() async throws {
            try await TestService.run { client in
                let raw = try await client.post("/encode?keep=36", image)
                #expect(raw.fields["shape"] == "[1,96,16,16]" && raw.fields["dtype"] == "float32")
                #expect(raw.fields["uae-model"]?.contains("@sha256:") == true)
                #expect(raw.fields["server-timing"]?.contains("infer;dur=") == true)
                let multipart = try await client.post(
                    "/v1/encode",
                    form([("name=\"keep\"", Array("36".utf8)), ("name=\"f\"; filename=\"a.png\"", image)]),
                    [("Content-Type", "multipart/form-data; boundary=b")]
                )
                #expect(multipart.body == raw.body)
                let json = try await client.post(
                    "/encode",
                    Array("{\"inputs\":[{\"id\":\"cat\",\"b64\":\"\(base64)\"}],\"keep\":36}".utf8)
                ).json
                let item = try #require((json["items"] as? [[String: Any]])?.first)
                let data = try #require((item["data_b64"] as? String).flatMap { Data(base64Encoded: $0) })
                #expect([UInt8](data) == raw.body && item["id"] as? String == "cat")
            }
        }

        // .NET writes `\u002B` for `+`, PHP `\/` for `/`.
        @Test(arguments: [("+", "\\u002B"), ("+", "\\u002b"), ("/", "\\/"), ("A", "\\u0041"), ("=", "\\u003D")])
        func escapesInBase64MeanWhatTheyMean(character: String, escape: String) async throws {
            try await TestService.run { client in
                let plain = Data(image).base64EncodedString()
                let escaped = plain.replacingOccurrences(of: character, with: escape)
                #expect(escaped != plain)
                let expected = try await client.post("/encode", Array("{\"inputs\":[{\"b64\":\"\(plain)\"}]}".utf8))
                let response = try await client.post("/encode", Array("{\"inputs\":[{\"b64\":\"\(escaped)\"}]}".utf8))
                #expect(response.status == 200 && response.text == expected.text)
            }
        }

        @Test func everyTensorFormHoldsTheSameNumbers() async throws {
            try await TestService.run { client in
                let raw = try await client.post("/encode", image)
                let npy = try await client.post("/encode?format=npy", image).body
                let array = try npy.withUnsafeBytes { try readNPY($0, maximumElements: 1 << 20) }
                #expect(array == TensorArray(shape: [1, 96, 16, 16], values: raw.floats))
                let file = try await client.post("/encode", image, [("Accept", "application/vnd.safetensors")]).body
                let tensor = try file.withUnsafeBytes {
                    try readSafetensorsTensor(named: "latents", in: $0, maximumElements: 1 << 20)
                }
                #expect(tensor == array)
                let metadata = try file.withUnsafeBytes { try SafetensorsIndex($0) }.metadata
                #expect(metadata["ids"] == "[\"0\"]" && metadata["failures"] == "[]")
                // What comes out in any form decodes to the same image.
                let decoded = try await client.post("/decode", npy).body
                #expect(try await client.post("/decode", file).body == decoded)
                // As a remote decoder's client sends shapes: one parameter an axis.
                let remote = "/decode?shape=1&shape=96&shape=16&shape=16&dtype=float32&do_scaling=true&output_type=pil"
                #expect(try await client.post(remote, raw.body).body == decoded)
                let half = try await client.post("/encode?dtype=bfloat16", image)
                #expect(half.body.count == raw.body.count / 2 && half.fields["dtype"] == "bfloat16")
                let tokens = try await client.post("/encode?layout=tokens", image)
                #expect(tokens.fields["shape"] == "[1,256,96]" && tokens.floats[1] == raw.floats[256])
                #expect(try await client.post("/decode?shape=1,256,96", tokens.body).body == decoded)
            }
        }

        @Test func mirroredAndPooledLatents() async throws {
            try await TestService.run { client in
                let both = try await client.post("/encode?flip=both&format=safetensors", image).body
                let mirrored = try await client.post("/encode?flip=h", image).floats
                let flipped = try both.withUnsafeBytes {
                    try readSafetensorsTensor(named: "latents_flip", in: $0, maximumElements: 1 << 20)
                }
                #expect(flipped.values == mirrored)
                let latent = try await client.post("/encode?normalize=false", image).floats
                let pooled = try await client.post("/encode?pool=mean", image)
                #expect(pooled.fields["shape"] == "[1,96]")
                let mean = latent[..<256].reduce(0, +) / 256
                #expect(abs(pooled.floats[0] - mean) < 1e-4)
            }
        }

        @Test func aBadItemHurtsNobodyWhenItIsSkipped() async throws {
            let body = form([
                ("name=\"f\"; filename=\"good.png\"", image),
                ("name=\"f\"; filename=\"bad.png\"", Array(image.prefix(999))),
            ])
            let type = [("Content-Type", "multipart/form-data; boundary=b")]
            try await TestService.run { client in
                let failed = try await client.post("/encode", body, type)
                #expect(failed.status == 422 && failed.json["item"] as? String == "bad.png")
                let skipped = try await client.post("/encode?on_error=skip&format=json", body, type).json
                let items = try #require(skipped["items"] as? [[String: Any]])
                #expect(items.compactMap { $0["status"] as? Int } == [200, 422])
                let tensor = try await client.post("/encode?on_error=skip", body, type)
                #expect(tensor.fields["shape"] == "[1,96,16,16]" && tensor.fields["uae-failed"] == "1")
            }
        }

        @Test func imagesComeInTheFormAskedFor() async throws {
            let two = form([("name=\"f\"; filename=\"a\"", image), ("name=\"f\"; filename=\"b\"", image)])
            let type = ("Content-Type", "multipart/form-data; boundary=b")
            try await TestService.run { client in
                let png = try await client.post("/decode", image)
                #expect(png.fields["content-type"] == "image/png" && png.body.starts(with: [0x89, 0x50]))
                #expect(png.fields["uae-quality"]?.hasPrefix("psnr=") == true)
                let jpeg = try await client.post("/decode", image, [("Accept", "image/jpeg")])
                #expect(jpeg.fields["content-type"] == "image/jpeg" && jpeg.body.starts(with: [0xFF, 0xD8]))
                #expect(try await client.post("/decode?image_format=jpg&quality=95", image).body == jpeg.body)
                #expect(try await client.post("/decode?image_format=jpeg", image).body == jpeg.body)
                let webp = try await client.post("/decode", image, [("Accept", "image/webp")])
                #expect(webp.fields["content-type"] == "image/webp" && ImageFormat.sniff(webp.body) == .webp)
                #expect(try await client.post("/decode?image_format=webp&quality=95", image).body == webp.body)
                let small = try await client.post("/decode?image_format=webp&quality=10", image)
                #expect(small.status == 200 && small.body.count < webp.body.count)
                let parts = try await client.post("/decode?image_format=webp", two, [type])
                #expect(String(decoding: parts.body, as: UTF8.self).contains("Content-Type: image/webp"))
                let list = try await client.post(
                    "/decode?image_format=webp",
                    two,
                    [type, ("Accept", "application/json")]
                )
                let entry = try #require((list.json["items"] as? [[String: Any]])?.first)
                let file = try #require((entry["data_b64"] as? String).flatMap { Data(base64Encoded: $0) })
                #expect(entry["content_type"] as? String == "image/webp" && [UInt8](file) == webp.body)
                let mixed = try await client.post("/decode", two, [type])
                #expect(mixed.fields["content-type"]?.hasPrefix("multipart/mixed; boundary=") == true)
                let json = try await client.post("/decode", two, [type, ("Accept", "application/json")]).json
                let items = try #require(json["items"] as? [[String: Any]])
                let first = try #require((items.first?["data_b64"] as? String).flatMap { Data(base64Encoded: $0) })
                #expect(items.count == 2 && [UInt8](first) == png.body)
                let plot = try await client.post("/spectrum?format=svg", image)
                #expect(plot.fields["content-type"] == "image/svg+xml" && plot.text.hasPrefix("<svg"))
            }
        }

        @Test func theServiceDescribesItself() async throws {
            try await TestService.run { client in
                let info = try await client.get("/info").json
                #expect(info["latent_shape"] as? [Int] == [96, 16, 16] && (info["sha256"] as? String)?.count == 64)
                let statistics = try await client.get("/stats/normalization").body
                let mean = try statistics.withUnsafeBytes {
                    try readSafetensorsTensor(named: "mean", in: $0, maximumElements: 1 << 20)
                }
                #expect(mean.shape == [96, 16, 16])
                #expect(try await client.get("/labels").slug == "feature-unavailable")
                let document = try await client.get("/openapi.json").json
                #expect(document["openapi"] as? String == "3.1.0")
                let yaml = try await client.get("/openapi.yaml").body
                #expect(yaml == [UInt8](try Data(contentsOf: Fixtures.repository.appending(path: "openapi.yaml"))))
                let metrics = try await client.get("/metrics").text
                #expect(
                    metrics.contains("uae_ready 1") && metrics.contains("uae_requests_total{op=\"other\",code=\"200\"}")
                )
                let named = try await client.get("/health/live", [("Request-Id", "abc-1")])
                #expect(named.fields["request-id"] == "abc-1")
                let insane = try await client.get("/health/live", [("Request-Id", "a b\"c")])
                #expect(insane.fields["request-id"] != "a b\"c")
            }
        }
    }
}
