// SPDX-License-Identifier: Apache-2.0

import CheckpointConversion
import ConvertedModels
import Fixtures
import Foundation
import ImageCodec
import TensorFiles
import Testing

extension ServiceTests {
    /// Converted checkpoints of every published form, asked for as a caller would.
    @Suite struct PublishedFormsOverHTTPTests {
        /// The authors' results for one model.
        private struct Golden {
            let file: SafetensorsFile

            init(_ name: String) throws {
                file = try SafetensorsFile(path: Fixtures.path("golden/\(name).safetensors"))
            }

            func tensor(_ name: String) throws -> [Float] {
                try file.floats(name, shape: try #require(file.shape(of: name), "\(name)"))
            }
        }

        private let rocket: [UInt8]
        private let chelsea: [UInt8]

        init() throws {
            rocket = try Fixtures.bytes("golden/siglip2/rocket.jpg")
            chelsea = try Fixtures.bytes("golden/dinov2/chelsea.png")
        }

        private func expectLatent(
            _ client: TestClient,
            _ target: String,
            _ picture: [UInt8],
            _ wanted: [Float],
            tolerance: Float = 5e-5,
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            let response = try await client.post(target, picture)
            #expect(response.status == 200, "\(target): \(response.text.prefix(300))", sourceLocation: sourceLocation)
            let difference = Self.largestDifference(response.floats, wanted)
            #expect(difference < tolerance, "\(target): \(difference)", sourceLocation: sourceLocation)
        }

        private static func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
            a.count == b.count ? zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } : .infinity
        }

        /// A reconstruction, rounded to 8 bits, against the authors' floats `[3, side, side]`; `corner`: its last rows and
        /// columns only.
        private func expectImage(
            _ response: TestClient.Response,
            _ wanted: [Float],
            side: Int,
            corner: Int? = nil,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            #expect(response.status == 200, "\(response.text.prefix(300))", sourceLocation: sourceLocation)
            let image = try response.body.withUnsafeBytes { try decodeImage($0) }
            #expect(image.width == side && image.height == side, "\(image.width)", sourceLocation: sourceLocation)
            guard image.width == side, image.height == side else { return }
            let length = corner ?? side
            let first = side - length
            var worst: Float = 0
            for y in 0..<length {
                for x in 0..<length {
                    for channel in 0..<3 {
                        let value = min(max(wanted[(channel * length + y) * length + x], 0), 1) * 255
                        let found = image.pixels[((first + y) * side + first + x) * 3 + channel]
                        worst = max(worst, abs(Float(found) - value))
                    }
                }
            }
            #expect(worst < 0.5 + 255 * 2e-4, "\(worst)", sourceLocation: sourceLocation)
        }

        @Test(arguments: [("k2", "rocket.jpg", [0.5]), ("k4", "brick.png", [0, 0.25, 0.5, 0.51, 0.75])])
        func theFirstEdition(name: String, photo: String, ratios: [Double]) async throws {
            let stem = photo.prefix { $0 != "." }
            let golden = try Golden("first-edition/\(name)/expected-\(stem)")
            let picture =
                photo == "rocket.jpg" ? rocket : try Fixtures.bytes("golden/first-edition/\(name)/\(photo)")
            let folder = try ConvertedModels.folder("first-edition/\(name)")
            try await TestService.run(model: folder) { client in
                let plain = "/encode?normalize=false"
                try await expectLatent(client, plain, picture, golden.tensor("latent.full"))
                try await expectLatent(client, plain + "&freq_ratio=1", picture, golden.tensor("latent.full"))
                try await expectLatent(
                    client,
                    plain + "&apply_frequency=false",
                    picture,
                    golden.tensor("latent.pre_frequency")
                )
                // A ratio turns the module on again.
                try await expectLatent(
                    client,
                    plain + "&apply_frequency=false&freq_ratio=0.5",
                    picture,
                    golden.tensor("latent.ratio0.5")
                )
                for ratio in ratios {
                    let tensor = name == "k4" && ratio == 0 ? "latent.ratio0.0" : "latent.ratio\(ratio)"
                    try await expectLatent(client, plain + "&freq_ratio=\(ratio)", picture, golden.tensor(tensor))
                }
                let full = try await client.post("/encode?freq_ratio=0.5", picture)
                #expect(try #require(full.fields["uae-latent"]).hasSuffix("freq_ratio=0.5"))

                try expectImage(try await client.post("/decode", picture), golden.tensor("recon.full"), side: 256)
                let half = try await client.post("/decode?freq_ratio=0.5", picture)
                try expectImage(half, golden.tensor("recon.ratio0.5"), side: 256)

                let spectrum = try await client.post("/spectrum?transform=fft", picture).json
                let item = try #require((spectrum["items"] as? [[String: Any]])?.first)
                let bands = try #require(item["bands"] as? [[String: Any]])
                let energies = try golden.tensor("energy.bands")
                let radii = try golden.tensor("radii")
                #expect(bands.count == energies.count)
                for (index, band) in bands.enumerated() {
                    let energy = try #require(band["energy"] as? Double)
                    #expect(abs(energy - Double(energies[index])) <= 1e-4 * Double(energies[index]))
                    let edges = try #require(band["radius"] as? [Double])
                    #expect(abs(edges[1] - Double(radii[index + 1]) / 8) < 1e-6)
                }
                let picturesSpectrum = try await client.post("/spectrum?transform=fft&of=image&bands=7", picture)
                #expect(picturesSpectrum.status == 200)

                let info = try await client.get("/info").json
                let frequency = try #require(info["frequency"] as? [String: Any])
                #expect(frequency["transform"] as? String == "fft")
                #expect(frequency["fft_bands"] as? Int == energies.count)

                // The bands are gone once there is a latent.
                let latent = try await client.post(plain, picture)
                let shape = try #require(latent.fields["shape"])
                for target in ["/spectrum?transform=fft&", "/decode?freq_ratio=0.5&"] {
                    let refused = try await client.post(target + "shape=\(shape)", latent.body)
                    #expect(refused.status == 400 && refused.slug == "bad-parameter", "\(refused.text)")
                }
                let other = try await client.post("/spectrum?transform=fft&bands=9", picture)
                #expect(other.json["parameter"] as? String == "bands")
            }
        }

        @Test func viTMAE() async throws {
            let golden = try Golden("mae/expected-rocket")
            try await TestService.run(model: try ConvertedModels.folder("mae")) { client in
                try await expectLatent(
                    client,
                    "/encode?keep=256&normalize=false",
                    rocket,
                    golden.tensor("latent.full")
                )
                try await expectLatent(client, "/encode?normalize=false", rocket, golden.tensor("latent.zigzag64"))
                try await expectLatent(
                    client,
                    "/encode",
                    rocket,
                    golden.tensor("latent.zigzag64.normalized"),
                    tolerance: 5e-5
                )
                try await expectLatent(
                    client,
                    "/encode?apply_frequency=false&normalize=false",
                    rocket,
                    golden.tensor("latent.full")
                )
                let tokens = try await client.post("/encode?keep=64&layout=freq_tokens", rocket)
                #expect(try Self.largestDifference(tokens.floats, golden.tensor("dct.zigzag64.tokens")) < 5e-5)
                try expectImage(try await client.post("/decode", rocket), golden.tensor("recon.zigzag64"), side: 256)
            }
        }

        @Test(arguments: [("clip-336", 144, 384, 24), ("dinov2-448", 256, 512, 32)])
        func otherGrids(name: String, count: Int, side: Int, grid: Int) async throws {
            let golden = try Golden("sizes/\(name)/expected-rocket")
            try await TestService.run(model: try ConvertedModels.folder("sizes/\(name)")) { client in
                try await expectLatent(client, "/encode", rocket, golden.tensor("latent.zigzag\(count)"))
                let full = try await client.post("/encode?keep=\(grid * grid)", rocket)
                #expect(full.fields["shape"] == "[1,24,\(grid),\(grid)]")
                #expect(try Self.largestDifference(full.floats, golden.tensor("latent.full")) < 5e-5)
                let decoded = try await client.post("/decode", rocket)
                try expectImage(decoded, golden.tensor("recon.zigzag\(count).corner"), side: side, corner: 128)
                #expect(decoded.fields["uae-quality"] == nil)
            }
        }

        @Test(arguments: [
            ("downloads/checkpoints/DINOv2-B", "DINOv2-B"),
            ("configs/stage2/latent_modeling/sampling/ImageNet256/64token.yaml", "64_tokens"),
        ])
        func thePublishedTree(source: String, name: String) async throws {
            let golden = try Golden("published-tree/expected-rocket")
            try await TestService.run(model: try ConvertedModels.folder("published-tree/\(source)")) { client in
                try await expectLatent(
                    client,
                    "/encode?normalize=false",
                    rocket,
                    golden.tensor("\(name).latent.zigzag64")
                )
                try expectImage(
                    try await client.post("/decode", rocket),
                    golden.tensor("\(name).recon.zigzag64"),
                    side: 256
                )
            }
        }

        @Test func everySquareCut() async throws {
            let golden = try Golden("square/expected-chelsea")
            try await TestService.run { client in
                for (name, query) in [
                    ("square_low16", "keep=16"), ("square_low64", "keep=64"),
                    ("square_high16", "keep=16&band_mode=high"),
                    ("square_high64", "keep=64&band_mode=high"),
                ] {
                    let target = "/encode?normalize=false&cutoff_mode=map2d_square&\(query)"
                    try await expectLatent(client, target, chelsea, golden.tensor("latent.\(name)"))
                }
                let refused = try await client.post("/encode?cutoff_mode=map2d_square&keep=40", chelsea)
                #expect(refused.status == 400)
                #expect(refused.text.contains("36 (6x6) or 49 (7x7)"), "\(refused.text)")
            }
        }

        // MARK: Compact decode

        @Test func theCompactDecodeByRequest() async throws {
            let golden = try Golden("compact/expected-chelsea")
            try await TestService.run { client in
                let square = "cutoff_mode=map2d_square&decode_from_split_band=true"
                for (name, query, side) in [
                    ("low64_compact", "keep=64", 128), ("low16_compact", "keep=16", 64),
                    ("low144_compact", "keep=144", 192), ("high64_compact", "keep=64&band_mode=high", 128),
                    ("low64_decode16", "keep=64&decode_keep_count=16", 64),
                    ("low16_decode64", "keep=16&decode_keep_count=64", 128),
                ] {
                    let response = try await client.post("/decode?\(square)&\(query)", chelsea)
                    try expectImage(response, golden.tensor("recon.\(name)"), side: side)
                }
                // The same from the latent that comes back, whose corner is the request's.
                for (mode, name) in [("low", "low64_compact"), ("high", "high64_compact")] {
                    let cut = "cutoff_mode=map2d_square&keep=64&band_mode=\(mode)"
                    let latent = try await client.post("/encode?\(cut)", chelsea)
                    let shape = try #require(latent.fields["shape"])
                    let response = try await client.post(
                        "/decode?shape=\(shape)&band_mode=\(mode)&decode_from_split_band=true&decode_keep_count=64"
                            + "&cutoff_mode=map2d_square&keep=64",
                        latent.body
                    )
                    try expectImage(response, golden.tensor("recon.\(name)"), side: 128)
                    // And from the corner's tokens alone, which are normalised with the corner's own statistics.
                    let tokens = Self.corner(of: latent.floats, channels: 96, side: 8, isLast: mode == "high")
                    let alone = try await client.post(
                        "/decode?shape=1,96,8,8&cutoff_mode=map2d_square&band_mode=\(mode)&keep=64",
                        tokens.withUnsafeBytes { [UInt8]($0) }
                    )
                    try expectImage(alone, golden.tensor("recon.\(name)"), side: 128)
                }
            }
        }

        @Test func aBlockOfTokensContradictsOtherSizes() async throws {
            try await TestService.run { client in
                let block = [UInt8](repeating: 0, count: 96 * 64 * 4)
                let target = "/decode?shape=1,96,8,8&normalize=false&decode_from_split_band="
                #expect(try await client.post(target + "true&keep=64&decode_keep_count=64", block).status == 200)
                for (query, parameter) in [
                    ("true&keep=36", "keep"), ("true&decode_keep_count=256", "decode_keep_count"),
                    ("true&freq_order=radial", "freq_order"),
                    ("false&cutoff_mode=map2d_square", "decode_from_split_band"),
                ] {
                    let refused = try await client.post(target + query, block)
                    #expect(refused.status == 400 && refused.json["parameter"] as? String == parameter, "\(query)")
                }
            }
        }

        @Test func theHeaderOfFrequencyTokensSaysWhatTheyAre() async throws {
            try await TestService.run { client in
                for (query, header) in [
                    ("layout=freq_tokens", "layout=freq_tokens, normalized=?0, keep=64, order=zigzag"),
                    ("layout=freq_tokens&keep=9", "layout=freq_tokens, normalized=?0, keep=9, order=zigzag"),
                    (
                        "layout=freq_tokens&apply_frequency=false",
                        "layout=freq_tokens, normalized=?0, keep=256, order=zigzag, apply_frequency=?0"
                    ),
                ] {
                    let response = try await client.post("/encode?\(query)", chelsea)
                    #expect(response.fields["uae-latent"] == header)
                    let count = header.split(separator: "keep=")[1].prefix { $0 != "," }
                    #expect(response.fields["shape"] == "[1,96,\(count)]")
                }
            }
        }

        @Test(arguments: [
            ("low64_compact", 128), ("low16_compact", 64), ("low144_compact", 192), ("high64_compact", 128),
            ("low64_decode16", 64), ("low16_decode64", 128), ("low16_decode_ratio0.25", 128),
            ("low64_decode_count_over_ratio", 64),
        ])
        func theCompactDecodeByConfiguration(name: String, side: Int) async throws {
            let golden = try Golden("compact/expected-chelsea")
            let folder = FileManager.default.temporaryDirectory.appending(path: "compact-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: folder) }
            let settings = try JSONSerialization.jsonObject(
                with: Data(try Fixtures.bytes("golden/compact/settings.json"))
            )
            let setting = try #require((settings as? [String: Any])?[name])
            let source = Fixtures.path("golden/dinov2")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            // JSON is YAML too.
            let document: [String: Any] = [
                "stage_1": [
                    "target": "stage1.UAE", "ckpt": source + "/model/model.safetensors",
                    "params": [
                        "encoder_cls": "Dinov2withNorm", "encoder_config_path": source + "/encoder",
                        "encoder_params": ["dinov2_path": source + "/encoder"],
                        "decoder_config_path": source + "/decoder", "frequency_config": setting,
                    ],
                ]
            ]
            try JSONSerialization.data(withJSONObject: document).write(to: folder.appending(path: "config.yaml"))
            let model = folder.appending(path: "model").path()
            _ = try convertCheckpoint(ConversionRequest(source: folder.path()), to: model)
            try await TestService.run(model: model) { client in
                let compact = try await client.post("/decode", chelsea)
                try expectImage(compact, golden.tensor("recon.\(name)"), side: side)
                #expect(compact.fields["uae-quality"] == nil)
                let whole = try await client.post("/decode?decode_from_split_band=false", chelsea)
                let image = try whole.body.withUnsafeBytes { try decodeImage($0) }
                #expect(image.width == 256)
            }
        }

        private static func corner(of latent: [Float], channels: Int, side: Int, isLast: Bool) -> [Float] {
            let origin = isLast ? 16 - side : 0
            var tokens: [Float] = []
            for channel in 0..<channels {
                for y in origin..<origin + side {
                    let start = (channel * 16 + y) * 16 + origin
                    tokens += latent[start..<start + side]
                }
            }
            return tokens
        }
    }
}
