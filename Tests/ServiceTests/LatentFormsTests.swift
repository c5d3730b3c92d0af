// SPDX-License-Identifier: Apache-2.0

import Fixtures
import Foundation
import Service
import TensorFiles
import Testing

extension ServiceTests {
    /// The forms in which latents are taken: everything that `/encode` writes, and what numpy and torch make of it.
    @Suite struct LatentFormsTests {
        private let image: [UInt8]
        private static let shape = [1, 96, 16, 16]

        init() throws {
            image = try Fixtures.bytes("golden/dinov2/chelsea.png")
        }

        /// The inputs of `/decode` that a response of `/encode` becomes, each with its query.
        private func inputs(
            from response: TestClient.Response,
            _ format: String
        ) throws -> [(body: [UInt8], query: String)] {
            let shape = (response.fields["shape"] ?? "").dropFirst().dropLast()
            let dtype = response.fields["dtype"] ?? ""
            switch format {
            case "raw": return [(response.body, "?shape=\(shape)&dtype=\(dtype)")]
            case "json":
                let axes = try #require(response.json["shape"] as? [Int])
                return try (response.json["items"] as? [[String: Any]] ?? []).map { item in
                    let data = try #require((item["data_b64"] as? String).flatMap { Data(base64Encoded: $0) })
                    let query = "?shape=\(axes.dropFirst().map(String.init).joined(separator: ","))&dtype=\(dtype)"
                    return ([UInt8](data), query)
                }
            default: return [(response.body, "")]
            }
        }

        @Test func parametersMustNotContradictAFile() async throws {
            try await TestService.run { client in
                for format in ["npy", "npz", "safetensors"] {
                    let latent = try await client.post("/encode?format=\(format)", image).body
                    for (query, parameter) in [
                        ("shape=1,96,8,8", "shape"), ("dtype=float16", "dtype"),
                        ("shape=1,96,16,16&dtype=bfloat16", "dtype"), ("shape=1,96,8,8&dtype=float32", "shape"),
                    ] {
                        let response = try await client.post("/decode?\(query)", latent)
                        #expect(
                            response.status == 400 && response.slug == "bad-parameter",
                            "\(format) \(response.text)"
                        )
                        #expect(response.json["parameter"] as? String == parameter, "\(format) \(query)")
                    }
                    let plain = try await client.post("/decode", latent)
                    let repeated = try await client.post("/decode?shape=1,96,16,16&dtype=float32", latent)
                    #expect(repeated.status == 200 && repeated.body == plain.body)
                }
                for (query, parameter) in [("shape=1,96,16,16", "shape"), ("dtype=float32", "dtype")] {
                    let response = try await client.post("/decode?\(query)", image)
                    #expect(response.status == 400 && response.json["parameter"] as? String == parameter)
                }
            }
        }

        @Test(arguments: ["nchw", "tokens", "freq_tokens"], ["float32", "float16", "bfloat16"])
        func whatEncodeWritesDecodeTakes(layout: String, dtype: String) async throws {
            try await TestService.run { client in
                var images: [String: [UInt8]] = [:]
                for format in ["raw", "npy", "npz", "safetensors", "json"] {
                    if dtype == "bfloat16", format.hasPrefix("np") { continue }
                    let query = "?layout=\(layout)&dtype=\(dtype)&format=\(format)"
                    let latent = try await client.post("/encode" + query, image)
                    #expect(latent.status == 200, "\(query): \(latent.text.prefix(300))")
                    for (body, query) in try inputs(from: latent, format) {
                        let decoded = try await client.post("/decode" + query, body)
                        #expect(decoded.status == 200, "\(layout) \(dtype) \(format): \(decoded.text.prefix(300))")
                        images[format] = decoded.body
                        #expect(try await client.post("/spectrum" + query, body).status == 200)
                    }
                }
                let first = try #require(images["raw"])
                #expect(images.count == (dtype == "bfloat16" ? 3 : 5))
                for (format, decoded) in images { #expect(decoded == first, "\(layout) \(dtype) \(format)") }
            }
        }

        @Test func mirroredLatentsAreTakenByTheirFirstArray() async throws {
            try await TestService.run { client in
                let expected = try await client.post("/decode", try await client.post("/encode?format=npy", image).body)
                for format in ["npz", "safetensors"] {
                    let both = try await client.post("/encode?flip=both&format=\(format)", image).body
                    #expect(try await client.post("/decode", both).body == expected.body, "\(format)")
                }
            }
        }

        @Test func aFileSaysWhetherItsNumbersAreNormalised() async throws {
            try await TestService.run { client in
                let plain = try await client.post("/encode?normalize=false&format=safetensors", image)
                #expect(plain.fields["uae-latent"]?.contains("normalized=?0") == true)
                let normalised = try await client.post("/encode?format=safetensors", image)
                #expect(normalised.fields["uae-latent"]?.contains("normalized=?1") == true)
                let expected = try await client.post("/decode", normalised.body)
                let own = try await client.post("/decode", plain.body)
                let asked = try await client.post("/decode?normalize=false", plain.body)
                #expect(own.status == 200 && own.body == asked.body)
                // The parameter beats the file.
                let wrong = try await client.post("/decode?normalize=true", plain.body)
                #expect(wrong.status == 200 && wrong.body != own.body && expected.body != wrong.body)
                // Beside a file without metadata each keeps its own.
                let array = try await client.post("/encode?format=npy", image).body
                let body = [array, plain.body].map { "{\"b64\":\"\(Data($0).base64EncodedString())\"}" }
                let both = try await client.post("/decode", Array("{\"inputs\":[\(body.joined(separator: ","))]}".utf8))
                let items = try #require(both.json["items"] as? [[String: Any]]).map { $0["data_b64"] as? String }
                #expect(items == [expected.body, own.body].map { Data($0).base64EncodedString() })
            }
        }

        @Test(arguments: ["raw", "npy", "npz", "safetensors"])
        func pooledVectorsAreRefusedForWhatTheyAre(format: String) async throws {
            try await TestService.run { client in
                let pooled = try await client.post("/encode?pool=mean&format=\(format)", image)
                let query = format == "raw" ? "?shape=1,96" : ""
                let response = try await client.post("/decode" + query, pooled.body)
                #expect(response.status == 422 && response.slug == "tensor-shape", "\(response.text)")
                #expect((response.json["detail"] as? String)?.contains("pooled vectors") == true, "\(response.text)")
            }
        }

        // MARK: What numpy and torch save

        /// An array file with the values of `latent` in another form.
        private func npy(_ latent: [Float], descr: String, isFortran: Bool) -> [UInt8] {
            let header =
                "{'descr': '\(descr)', 'fortran_order': \(isFortran ? "True" : "False"), 'shape': (1, 96, 16, 16), }"
            var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
            bytes += [UInt8(header.utf8.count), 0] + Array(header.utf8)
            func append(_ value: Float) {
                let littleEndian: [UInt8] =
                    descr.hasSuffix("8")
                    ? withUnsafeBytes(of: Double(value).bitPattern.littleEndian) { Array($0) }
                    : withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
                bytes += descr.hasPrefix(">") ? littleEndian.reversed() : littleEndian
            }
            if isFortran {
                for x in 0..<16 { for y in 0..<16 { for c in 0..<96 { append(latent[c * 256 + y * 16 + x]) } } }
            } else {
                latent.forEach(append)
            }
            return bytes
        }

        @Test(arguments: ["<f4", ">f4", "<f8", ">f8"], [false, true])
        func everyOrderAndPrecisionMeansTheSameLatent(descr: String, isFortran: Bool) async throws {
            try await TestService.run { client in
                let latent = try await client.post("/encode", image)
                let expected = try await client.post("/decode?shape=1,96,16,16", latent.body)
                let file = npy(latent.floats, descr: descr, isFortran: isFortran)
                let decoded = try await client.post("/decode", file)
                #expect(decoded.status == 200 && decoded.body == expected.body, "\(decoded.text.prefix(300))")
            }
        }

        @Test func float64IsTakenFromSafetensorsToo() async throws {
            try await TestService.run { client in
                let latent = try await client.post("/encode", image)
                let expected = try await client.post("/decode?shape=1,96,16,16", latent.body)
                let tensor = OutgoingTensor(name: "latents", shape: Self.shape, dtype: .float64, values: latent.floats)
                #expect(try await client.post("/decode", writeSafetensors([tensor])).body == expected.body)
            }
        }

        @Test func bytesAndIntegersAreNoLatents() async throws {
            let values = [Float](repeating: 1, count: 96 * 256)
            let tensor = OutgoingTensor(name: "latents", shape: Self.shape, dtype: .uint8, values: values)
            let npy = try writeNPY(shape: Self.shape, dtype: .uint8, values: values)
            let npz = try writeNPZ([tensor])
            try await TestService.run { client in
                for (body, type) in [(npy, "|u1"), (npz, "|u1"), (writeSafetensors([tensor]), "U8")] {
                    let response = try await client.post("/decode", body)
                    #expect(response.status == 422 && response.slug == "tensor-shape", "\(response.text)")
                    #expect(response.json["got"] as? String == type && response.text.contains("dtype is '\(type)'"))
                    #expect(response.text.contains("F32") || response.text.contains("float32"))
                }
                for name in ["int64", "structured", "object", "text"] {
                    let response = try await client.post("/decode", try Fixtures.bytes("arrays/refused-\(name).npy"))
                    #expect(response.status == 422 && response.text.contains("array's dtype is"), "\(response.text)")
                }
            }
        }

        // What cannot be used counts too: inflating it takes as long.
        @Test func theArchivesOfARequestInflateToALimitTogether() async throws {
            // 8.8 MB: 45 latents of this model in float64. The archive has 8 MB of zeros, in a shape of no latent.
            let settings = TestService.settings { $0.maxClientItems = 45 }
            let zeros = try Fixtures.bytes("arrays/zeros.npz")
            try await TestService.run(settings: settings) { client in
                let inputs = [image, zeros, zeros].map { #"{"b64":"\#(Data($0).base64EncodedString())"}"# }
                let body = Array(#"{"on_error":"skip","inputs":[\#(inputs.joined(separator: ","))]}"#.utf8)
                let response = try await client.post("/decode", body)
                let items = try #require(response.json["items"] as? [[String: Any]], "\(response.text.prefix(300))")
                let problems = items.map { $0["problem"] as? [String: Any] }
                #expect(problems.map { $0?["status"] as? Int } == [nil, 422, 413])
                #expect(problems.last??["actual"] as? Int == 8_000_000 && problems.last??["limit"] as? Int == 847_360)
            }
        }

        // With the text of an array that is not compressed.
        @Test func anArchiveThatInflatesTooFarIsRefused() async throws {
            let settings = TestService.settings { $0.maxClientItems = 4 }
            try await TestService.run(settings: settings) { client in
                let response = try await client.post("/decode", try Fixtures.bytes("arrays/zeros.npz"))
                #expect(response.status == 413 && response.slug == "too-many-items", "\(response.text)")
                #expect(response.json["actual"] as? Int == 1_000_000 && response.json["limit"] as? Int == 98_304)
                let image = try await client.post("/encode", try Fixtures.bytes("arrays/stored.npz"))
                #expect(image.status == 415 && image.text.contains("takes images"))
            }
        }
    }
}
