// SPDX-License-Identifier: Apache-2.0

import Fixtures
import Foundation
import ImageCodec
import TensorFiles
import Testing

private func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    a.count == b.count ? zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } : .infinity
}

extension ServiceTests {
    /// The authors' own results, asked for as a caller would.
    @Suite struct GoldenOverHTTPTests {
        @Test(arguments: [("dinov2", "chelsea.png"), ("clip", "china.jpg"), ("siglip2", "rocket.jpg")])
        func everyFamilyRespondsAsTheAuthorsCode(family: String, photo: String) async throws {
            let name = photo.split(separator: ".")[0]
            let golden = try SafetensorsFile(path: Fixtures.path("golden/\(family)/expected-\(name).safetensors"))
            func tensor(_ name: String) throws -> [Float] {
                try golden.floats(name, shape: try #require(golden.shape(of: name)))
            }
            let picture = try Fixtures.bytes("golden/\(family)/\(photo)")
            try await TestService.run(model: Fixtures.path("golden/\(family)/model")) { client in
                let full = try await client.post("/encode?keep=256&normalize=false", picture)
                #expect(full.status == 200)
                #expect(try largestDifference(full.floats, tensor("latent.full")) < 5e-5)
                let low = try await client.post("/encode?keep=64&normalize=false", picture)
                #expect(try largestDifference(low.floats, tensor("latent.zigzag64")) < 5e-5)
                let coefficients = try await client.post("/encode?keep=64&layout=freq_tokens", picture)
                #expect(try largestDifference(coefficients.floats, tensor("dct.zigzag64.tokens")) < 5e-5)

                // A latent's image is the reconstruction, rounded to 8 bits.
                let decoded = try await client.post(
                    "/decode?shape=\(full.fields["shape"] ?? "")&normalize=false",
                    full.body
                )
                #expect(decoded.status == 200, "\(decoded.text)")
                let pixels = try decoded.body.withUnsafeBytes { try decodeImage($0) }.pixels
                let expected = try tensor("recon.full")
                let side = 256
                var worst: Float = 0
                for index in 0..<side * side {
                    for channel in 0..<3 {
                        let value = min(max(expected[channel * side * side + index], 0), 1) * 255
                        worst = max(worst, abs(Float(pixels[3 * index + channel]) - value))
                    }
                }
                #expect(worst < 0.5 + 255 * 2e-4)

                let spectrum = try await client.post("/spectrum", picture).json
                let item = try #require((spectrum["items"] as? [[String: Any]])?.first)
                let bands = try #require(item["bands"] as? [[String: Any]])
                for (band, fraction) in zip(bands, try tensor("energy.bands10")) {
                    let found = try #require(band["fraction"] as? Double)
                    #expect(abs(found - Double(fraction)) <= 1e-4 * Double(fraction))
                }
            }
        }

        @Test func everyCutOfDINOv2IsReachable() async throws {
            let golden = try SafetensorsFile(path: Fixtures.path("golden/dinov2/expected-chelsea.safetensors"))
            let picture = try Fixtures.bytes("golden/dinov2/chelsea.png")
            let cuts = [
                ("zigzag36", "keep=36"), ("radial100", "keep=100&freq_order=radial"),
                ("zigzag_high40", "keep=40&band_mode=high"), ("zigzag_drop_high56", "keep=56&band_mode=drop_high"),
                ("zigzag_drop_low3", "keep=3&band_mode=drop_low"), ("square8", "keep=64&cutoff_mode=map2d_square"),
                ("square8", "cutoff_mode=map2d_square"),
            ]
            try await TestService.run { client in
                for (name, query) in cuts {
                    let response = try await client.post("/encode?normalize=false&\(query)", picture)
                    let expected = try golden.floats("latent.\(name)", shape: [96, 16, 16])
                    #expect(largestDifference(response.floats, expected) < 5e-5, "\(name): \(response.status)")
                }
                // The model's configuration normalises and keeps 64 unless it is told otherwise.
                let byDefault = try await client.post("/encode", picture)
                let normalized = try golden.floats("latent.zigzag64.normalized", shape: [96, 16, 16])
                #expect(largestDifference(byDefault.floats, normalized) < 5e-4)
                #expect(byDefault.fields["uae-latent"] == "layout=nchw, normalized=?1, keep=64, order=zigzag")

                // The reference's compact decode takes the top-left tokens alone.
                let square = try golden.floats("latent.square8_compact", shape: [96, 16, 16])
                var tokens: [Float] = []
                for row in 0..<96 * 16 where row % 16 < 8 { tokens += square[row * 16..<row * 16 + 8] }
                let body = tokens.withUnsafeBytes { [UInt8]($0) }
                let compact = try await client.post(
                    "/decode?shape=1,96,8,8&cutoff_mode=map2d_square&keep=64&normalize=false",
                    body
                )
                #expect(compact.status == 200, "\(compact.text)")
                let image = try compact.body.withUnsafeBytes { try decodeImage($0) }
                let expected = try golden.floats("recon.square8_compact", shape: [3, 128, 128])
                #expect(image.width == 128)
                #expect(abs(Float(image.pixels[0]) - min(max(expected[0], 0), 1) * 255) < 0.6)
            }
        }

        @Test func theDefaultModelGivesItsExpectedResults() async throws {
            let golden = try SafetensorsFile(path: Fixtures.path("default-model/expected-chelsea.safetensors"))
            let picture = try Fixtures.bytes("golden/dinov2/chelsea.png")
            try await TestService.run(model: TestService.defaultModel) { client in
                let latent = try await client.post("/encode", picture)
                #expect(
                    try largestDifference(latent.floats, golden.floats("latent.full", shape: [192, 14, 14])) < 2e-3
                )
                let classes = try await client.post("/classify", picture).json
                let item = try #require((classes["items"] as? [[String: Any]])?.first)
                let found = (item["predictions"] as? [[String: Any]])?.compactMap { $0["index"] as? Int }
                let logits = try golden.floats("logits.full", shape: [1000])
                let expected = logits.indices.sorted { logits[$0] > logits[$1] }.prefix(5)
                #expect(found == Array(expected))
                #expect(try await client.get("/labels").text.split(separator: "\n").count == 1000)
            }
        }

        /// The model card's figures, which its training framework computed.
        @Test(arguments: [
            ("chelsea", "dinov2/chelsea.png"), ("china", "clip/china.jpg"), ("rocket", "siglip2/rocket.jpg"),
        ])
        func theDefaultModelReconstructsAsItsCardSays(name: String, photo: String) async throws {
            let file = try Fixtures.bytes("default-model/figures.json")
            let all = try JSONDecoder().decode([String: [String: Double]].self, from: Data(file))
            let figures = try #require(all[name])
            #expect(figures.count == 4)
            let picture = try Fixtures.bytes("golden/\(photo)")
            try await TestService.run(model: TestService.defaultModel) { client in
                for (keep, decibels) in figures {
                    let made = try await client.post("/decode?keep=\(keep)", picture)
                    let quality = try #require(made.fields["uae-quality"])
                    let value = try #require(Double(quality.dropFirst("psnr=".count).prefix { $0 != "," }))
                    #expect(abs(value - decibels) < 0.05, "keep=\(keep)")
                }
            }
        }
    }
}
