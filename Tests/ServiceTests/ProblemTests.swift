// SPDX-License-Identifier: Apache-2.0

import Fixtures
import Foundation
import Service
import Testing

extension ServiceTests {
    /// Every failure that a caller can cause, by its slug.
    @Suite struct ProblemTests {
        private let image: [UInt8]

        init() throws {
            image = try Fixtures.bytes("golden/dinov2/chelsea.png")
        }

        private func json(_ text: String) -> [UInt8] { Array(text.utf8) }

        @Test func parametersAreRefusedByName() async throws {
            try await TestService.run { client in
                let cases = [
                    ("/encode?keep=257", "keep"), ("/encode?keep=-1", "keep"), ("/encode?keep=abc", "keep"),
                    ("/encode?keep=1&keep=2", "keep"), ("/encode?layout=nhwc", "layout"),
                    ("/encode?dtype=int8", "dtype"), ("/decode?dtype=int8", "dtype"),
                    ("/classify?dtype=int8", "dtype"), ("/spectrum?shape=1,x", "shape"),
                    ("/encode?pool=mean&layout=tokens", "layout"),
                    ("/encode?layout=freq_tokens&band_mode=high", "band_mode"),
                    ("/encode?layout=freq_tokens&keep=16&cutoff_mode=map2d_square", "cutoff_mode"),
                    ("/encode?layout=freq_tokens&freq_order=radial", "freq_order"),
                    ("/encode?layout=freq_tokens&keep=0", "keep"),
                    ("/encode?timeout_ms=0", "timeout_ms"), ("/encode?timeout_ms=30001", "timeout_ms"),
                    ("/decode?quality=0&image_format=jpg", "quality"), ("/decode?quality=80", "quality"),
                    ("/decode?rounding=up", "rounding"), ("/decode?scaling_factor=0.18", "scaling_factor"),
                    ("/decode?height=512", "height"), ("/decode?output_type=pt", "output_type"),
                    ("/decode?keep=17&cutoff_mode=map2d_square", "keep"), ("/spectrum?bands=0", "bands"),
                    ("/encode?band_mode=high&cutoff_mode=map2d_square&keep=3", "keep"),
                    ("/encode?band_mode=drop_high&cutoff_mode=map2d_square&keep=64", "keep"),
                    ("/encode?freq_ratio=1.5", "freq_ratio"), ("/encode?freq_ratio=half", "freq_ratio"),
                    ("/encode?apply_frequency=maybe", "apply_frequency"),
                    ("/encode?apply_frequency=false&keep=3", "apply_frequency"),
                    ("/spectrum?of=image&keep=3", "keep"), ("/spectrum?of=image&normalize=true", "normalize"),
                    ("/decode?decode_from_split_band=true&keep=64&band_mode=drop_low", "keep"),
                    ("/decode?decode_keep_count=40", "decode_keep_count"),
                    ("/decode?decode_keep_count=0", "decode_keep_count"),
                    ("/decode?decode_from_split_band=false&decode_keep_count=16", "decode_keep_count"),
                    ("/decode?decode_from_split_band=true&keep=40", "keep"),
                    ("/decode?decode_from_split_band=true&keep=0&cutoff_mode=map2d_square", "keep"),
                ]
                for (target, parameter) in cases {
                    let response = try await client.post(target, image)
                    #expect(response.status == 400 && response.slug == "bad-parameter", "\(target): \(response.text)")
                    #expect(response.json["parameter"] as? String == parameter, "\(target)")
                    #expect(response.json["allowed"] != nil)
                }
                let texts = [
                    ("/encode?keep=1&keep=2", "keep: it is given twice; send one value."),
                    ("/decode?height=225", "height: expected 256, got '225'."),
                    ("/encode?apply_frequency=TRUE", "expected one of true, false, True, False, 1, 0, got 'TRUE'."),
                ]
                for (target, text) in texts {
                    let response = try await client.post(target, image)
                    #expect(response.text.contains(text), "\(response.text)")
                }
                let unknown = [
                    "/decode?gains=1", "/encode?top_k=5", "/encode?decode_keep_count=4", "/classify?layout=nchw",
                    "/decode?format=npy",
                ]
                for target in unknown {
                    let response = try await client.post(target, image)
                    #expect(
                        response.status == 400 && response.slug == "unknown-parameter",
                        "\(target): \(response.text)"
                    )
                }
                let plain = try await client.post("/encode?layout=freq_tokens&keep=16", image)
                let ordered = try await client.post("/encode?layout=freq_tokens&keep=16&freq_order=zigzag", image)
                #expect(ordered.status == 200 && ordered.body == plain.body)
                // It is no cut, which a model without one would need `keep` for.
                #expect(try await client.post("/encode?layout=freq_tokens&freq_order=zigzag", image).status == 200)
                // Probes and monitors add parameters to GET; a known one is still checked.
                let long = String(repeating: "a", count: 8000)
                for target in [
                    "/health/live?t=1", "/health/ready?\(long)", "/info?x=1&x=2", "/metrics?x", "/openapi.json?v=2",
                    "/labels?format=json&utm_source=\(long)",
                ] {
                    let status = try await client.get(target).status
                    #expect(status == (target.hasPrefix("/labels") ? 501 : 200), "\(target.prefix(80))")
                }
                for target in ["/labels?format=xml", "/stats/normalization?format=npz&format=npz"] {
                    let response = try await client.get(target)
                    #expect(response.status == 400 && response.slug == "bad-parameter", "\(target)")
                }
            }
        }

        @Test func bodiesAreRefusedForWhatTheyAre() async throws {
            try await TestService.run(settings: TestService.settings { $0.maxClientItems = 2 }) { client in
                let form = "Content-Type"
                let latent = [UInt8](repeating: 0, count: 96 * 256 * 4)
                var nonfinite = latent
                nonfinite.replaceSubrange(0..<4, with: [0, 0, 0xC0, 0x7F])
                let input = "{\"b64\":\"AAAA\"}"
                let cases: [(String, [UInt8], [(String, String)], Int, String)] = [
                    ("/encode", json("hello"), [], 415, "unsupported-media"),
                    ("/encode", [], [], 415, "unsupported-media"),
                    ("/encode", image, [("Content-Encoding", "gzip")], 415, "unsupported-media"),
                    ("/encode", json("{\"inputs\":"), [], 400, "malformed-json"),
                    ("/encode", json("{\"inputs\":[]}"), [], 400, "malformed-json"),
                    ("/encode", json("{\"inputs\":[{\"b64\":\"?\"}]}"), [], 400, "malformed-json"),
                    // With its backslashes left out, this would be base64.
                    ("/encode", json("{\"inputs\":[{\"b64\":\"AAA\\nAAA\\n\"}]}"), [], 400, "malformed-json"),
                    ("/encode", json("{\"inputs\":[\(input)]}"), [], 415, "unsupported-media"),
                    ("/encode", json("{\"inputs\":[\(input),\(input),\(input)]}"), [], 413, "too-many-items"),
                    (
                        "/encode", json(String(repeating: "[", count: 100_000)), [(form, "application/json")], 415,
                        "unsupported-media"
                    ),
                    ("/encode", json("{\"a\":" + String(repeating: "[", count: 100_000)), [], 400, "malformed-json"),
                    ("/encode", json("--x"), [(form, "multipart/form-data")], 400, "malformed-multipart"),
                    ("/encode", json("--x"), [(form, "multipart/form-data; boundary=x")], 400, "malformed-multipart"),
                    ("/encode", Array(image.prefix(5000)), [], 422, "image-undecodable"),
                    ("/encode?preprocess=none", image, [], 422, "tensor-shape"),
                    ("/decode?shape=1,96,16,15", latent, [], 422, "tensor-shape"),
                    ("/decode?shape=1,95,16,16", Array(latent.prefix(95 * 1024)), [], 422, "tensor-shape"),
                    ("/decode?shape=1,96,16,16", nonfinite, [], 422, "tensor-nonfinite"),
                    ("/classify", image, [], 501, "feature-unavailable"),
                    ("/decode?freq_ratio=1", image, [], 501, "feature-unavailable"),
                    ("/encode?format=npy&dtype=bfloat16", image, [], 406, "not-acceptable"),
                    ("/encode?flip=both", image, [], 406, "not-acceptable"),
                    ("/encode", image, [("Accept", "text/html")], 406, "not-acceptable"),
                ]
                for (target, body, fields, status, slug) in cases {
                    let response = try await client.post(target, body, fields)
                    #expect(
                        response.status == status && response.slug == slug,
                        "\(target) \(fields): \(response.text.prefix(300))"
                    )
                    #expect(response.fields["content-type"] == "application/problem+json")
                    #expect(response.json["request_id"] as? String == response.fields["request-id"])
                }
            }
        }

        @Test(arguments: [
            "QUJDR", "Q", "QQ=", "Q===", "=QQQ", "QQ==QQ==", "QU=D", "QUJD ", "QUJ*", "QUJ~", "QUJD\\n", "\\+QUJ",
            "\\u0141UJD", "\\u00", "\\u+041UJD", "\\",
        ])
        func whatIsNotBase64IsRefused(text: String) async throws {
            try await TestService.run { client in
                // In a long text nothing of it is looked at before it is decoded.
                for text in [text, String(repeating: "QUJD", count: 2000) + text] {
                    let response = try await client.post("/encode", json("{\"inputs\":[{\"b64\":\"\(text)\"}]}"))
                    #expect(response.status == 400 && response.slug == "malformed-json", "\(response.text)")
                }
            }
        }

        @Test func aCodingIsRefusedWithThoseThatAreTaken() async throws {
            try await TestService.run { client in
                let response = try await client.post("/encode", image, [("Content-Encoding", "gzip")])
                #expect(response.status == 415 && response.fields["accept-encoding"] == "identity")
            }
        }

        @Test(arguments: ["*/*;q=x", "*/*;q=nan", "*/*;q=-1", "text/html;q=2", "*/*;q="])
        func aPreferenceThatMakesNoSenseIsPassedOver(accept: String) async throws {
            try await TestService.run { client in
                let response = try await client.post("/encode", image, [("Accept", accept)])
                #expect(response.status == 200 && response.fields["content-type"] == "application/octet-stream")
            }
        }

        @Test func otherFilesAreRefusedByName() async throws {
            let heic: [UInt8] = [0, 0, 0, 24] + Array("ftypheic".utf8) + [0, 0, 0, 0] + Array("mif1heic".utf8)
            // What `curl -d @file` sends of them.
            let stripped = { (bytes: [UInt8]) in bytes.filter { ![0x00, 0x0A, 0x0D].contains($0) } }
            let photo = try Fixtures.bytes("golden/clip/china.jpg")
            try await TestService.run { client in
                let cases: [([UInt8], Int, String?, String)] = [
                    (heic, 415, "HEIC", "HEIC is not supported; convert to JPEG, PNG or WebP."),
                    (json("GIF89a"), 415, "GIF", "GIF is not supported; convert to JPEG, PNG or WebP."),
                    (json("%PDF-1.7"), 415, "PDF", "PDF is not supported; convert to JPEG, PNG or WebP."),
                    (json("photo.jpg"), 415, "a file name", "--data-binary @photo.jpg"),
                    (stripped(image), 415, "damaged PNG", "--data-binary"),
                    (stripped(photo), 422, nil, "--data-binary"),
                ]
                for (body, status, sniffed, text) in cases {
                    let response = try await client.post("/encode", body)
                    #expect(response.status == status && response.json["sniffed"] as? String == sniffed)
                    #expect((response.json["detail"] as? String)?.contains(text) == true, "\(response.text)")
                }
                // Nothing that the missing bytes lead to is named, and a short rest of a file is recognised too.
                for count in [stripped(photo).count, 4000, 1000, 256] {
                    let response = try await client.post("/encode", Array(stripped(photo).prefix(count)))
                    let detail = response.json["detail"] as? String
                    #expect(detail?.hasPrefix("The image has no byte 0x00, 0x0A or 0x0D") == true, "\(response.text)")
                }
                let urlencoded = [("Content-Type", "application/x-www-form-urlencoded")]
                let short = try await client.post("/encode", Array(photo.prefix(200)), urlencoded)
                #expect(short.status == 422 && short.text.contains("--data-binary"), "\(short.text)")
                let encoded = json("{\"inputs\":[{\"b64\":\"\(Data(photo.prefix(200)).base64EncodedString())\"}]}")
                let inside = try await client.post("/encode", encoded, urlencoded)
                #expect(inside.status == 422 && !inside.text.contains("--data-binary"), "\(inside.text)")
                let unknown = try await client.post("/encode", [0xFF, 0xD8, 0xFE, 0xE0, 0, 0x10])
                #expect(unknown.text.contains("they start with ff d8 fe e0 00 10."), "\(unknown.text)")
                let intact = try await client.post("/encode", Array(photo.prefix(9000)))
                #expect(intact.status == 422 && !intact.text.contains("data-binary"))
                let form = json("--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nphoto.jpg\r\n--b--\r\n")
                let name = try await client.post("/encode", form, [("Content-Type", "multipart/form-data; boundary=b")])
                #expect(
                    name.status == 400 && name.slug == "unknown-parameter" && name.text.contains("'file=@photo.jpg'")
                )
                let link = json(String(decoding: form, as: UTF8.self).replacing("photo.jpg", with: "https://a.b/c.jpg"))
                let url = try await client.post("/encode", link, [("Content-Type", "multipart/form-data; boundary=b")])
                #expect(url.status == 400 && url.text.contains("No URL is fetched"), "\(url.text)")
                let format = try await client.post("/decode?format=jpg", image)
                #expect(format.text.contains("did you mean image_format?"))
                #expect(try await client.post("/encode?image_format=jpg", image).text.contains("did you mean format?"))
                for name in ["topk", "Top_K", "top-k", "TOPK", "tpo_k"] {
                    let near = try await client.post("/classify?\(name)=1", image)
                    #expect(near.slug == "unknown-parameter" && near.text.contains("did you mean top_k?"), "\(name)")
                }
                #expect(try await !client.post("/classify?gains=1", image).text.contains("did you mean"))
                var arithmetic = photo
                let frame = try #require(photo.indices.dropLast().first { photo[$0] == 0xFF && photo[$0 + 1] == 0xC0 })
                arithmetic[frame + 1] = 0xC9
                let refused = try await client.post("/encode", arithmetic)
                #expect(refused.status == 422 && refused.text.contains("Arithmetic-coded JPEG is not supported"))
            }
        }

        @Test func sizesAreRefusedBeforeTheyCost() async throws {
            try await TestService.run(
                settings: TestService.settings {
                    $0.maxBodyBytes = 300_000
                    $0.maxImagePixels = 10_000
                }
            ) { client in
                let large = try await client.post("/encode", [UInt8](repeating: 0, count: 300_001))
                #expect(large.status == 413 && large.slug == "body-too-large")
                #expect(large.json["limit"] as? Int == 300_000 && large.json["actual"] as? Int == 300_001)
                let pixels = try await client.post("/encode", image)
                #expect(pixels.status == 413 && pixels.slug == "too-many-pixels")
                #expect(pixels.json["limit"] as? Int == 10_000)
            }
        }

        @Test func pathsAndMethodsAreRefusedAsTheRFCAsks() async throws {
            try await TestService.run { client in
                #expect(try await client.get("/nothing").slug == "not-found")
                let wrong = try await client.get("/encode")
                #expect(
                    wrong.status == 405 && wrong.slug == "method-not-allowed"
                        && wrong.fields["allow"] == "POST, OPTIONS"
                )
                let post = try await client.post("/info", [])
                #expect(post.status == 405 && post.fields["allow"] == "GET, HEAD, OPTIONS")
                let head = try await client.exchange("HEAD", "/health/live", [], nil)
                #expect(head.status == 200 && head.body.isEmpty && head.fields["content-length"] == "17")
                let unknown = try await client.exchange("BREW", "/", [], nil)
                #expect(
                    unknown.status == 501 && unknown.fields["connection"] == "close" && unknown.fields["date"] != nil
                )
                #expect(try await client.get("/problems/queue-full").json["status"] as? Int == 429)
                #expect(try await client.get("/problems/no-such").status == 404)
            }
        }

        @Test func aDeadlineEndsARequest() async throws {
            try await TestService.run { client in
                // One millisecond is over before an image is even decoded.
                let response = try await client.post("/decode?timeout_ms=1", image)
                #expect(response.status == 504 && response.slug == "deadline-exceeded")
                #expect(response.json["timeout_ms"] as? Int == 1 && response.json["where"] != nil)
            }
        }

        @Test func keysAreAskedForWhereTheyAreSet() async throws {
            let path = FileManager.default.temporaryDirectory.appending(path: "uae-keys-\(UUID().uuidString)").path()
            try "# comment\nfirst-key\nsecond-key\n".write(toFile: path, atomically: true, encoding: .utf8)
            defer { try? FileManager.default.removeItem(atPath: path) }
            try await TestService.run(settings: TestService.settings { $0.apiKeyFile = path }) { client in
                let refused = try await client.post("/encode", image)
                #expect(
                    refused.status == 401 && refused.slug == "unauthorized" && refused.fields["www-authenticate"] != nil
                )
                #expect(try await client.post("/encode", image, [("Authorization", "Bearer wrong")]).status == 401)
                #expect(
                    try await client.post("/encode", image, [("Authorization", "Bearer second-key")]).status == 200
                )
                #expect(try await client.get("/health/live").status == 200)
            }
        }
    }
}
