// SPDX-License-Identifier: Apache-2.0

import ConvertedModels
import Fixtures
import Foundation
import Testing

extension ServiceTests {
    /// A list of levels against its single requests, on every model that there is: equal to the byte.
    @Suite struct LevelsGoldenTests {
        private let picture: [UInt8]

        init() throws {
            picture = try Fixtures.bytes("golden/dinov2/chelsea.png")
        }

        /// - `levels`: none that the cut of `query` refuses.
        private func expectSingles(
            _ client: TestClient,
            _ levels: [Int],
            _ query: String,
            _ body: [UInt8],
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            let list = levels.map(String.init).joined(separator: ",")
            let together = try await client.post("/decode?keep=\(list)\(query)", body)
            #expect(together.status == 200, "\(query): \(together.text.prefix(300))", sourceLocation: sourceLocation)
            guard together.status == 200 else { return }
            let parts = try together.parts()
            #expect(parts.count == levels.count, sourceLocation: sourceLocation)
            for (level, part) in zip(levels, parts) {
                let single = try await client.post("/decode?keep=\(level)\(query)", body)
                #expect(single.status == 200)
                #expect(single.file == part.file, "\(query) keep=\(level)", sourceLocation: sourceLocation)
                for name in ["content-type", "uae-latent", "uae-quality"] {
                    #expect(single.fields[name] == part.fields[name], "\(query)", sourceLocation: sourceLocation)
                }
                #expect(part.fields["uae-latent"]?.hasPrefix("keep=\(level), order=") == true)
            }
        }

        private static let models =
            ["default", "dinov2/model", "clip/model", "siglip2/model"]
            + [
                "mae", "first-edition/k2", "first-edition/k4", "sizes/clip-336", "sizes/dinov2-448", "diffusers-rae",
                "diffusers-rae-tf5", "rae/configs/stage1/pretrained/DINOv2-B.yaml",
                "rae/configs/stage1/pretrained/MAE.yaml", "rae/configs/stage1/pretrained/SigLIP2.yaml",
                "published-tree/downloads/checkpoints/DINOv2-B",
                "published-tree/configs/stage2/latent_modeling/sampling/ImageNet256/64token.yaml",
            ]

        private static func folder(_ name: String) throws -> String {
            if name == "default" { return TestService.defaultModel }
            return name.hasSuffix("/model") ? Fixtures.path("golden/\(name)") : try ConvertedModels.folder(name)
        }

        @Test(arguments: Self.models)
        func everyLevelEqualsItsSingleRequest(name: String) async throws {
            try await TestService.run(model: try Self.folder(name)) { client in
                let frequency = try #require(try await client.get("/info").json["latent_shape"] as? [Int])
                let total = frequency[1] * frequency[2]
                // Not in order, and one twice.
                try await expectSingles(client, [16, 0, total, 1, 16], "", picture)
                try await expectSingles(client, [1, total - 1], "&image_format=jpg&freq_order=radial", picture)
                try await expectSingles(
                    client,
                    [4, total],
                    "&image_format=webp&quality=60&band_mode=high&rounding=trunc",
                    picture
                )
                try await expectSingles(client, [16, 36], "&cutoff_mode=map2d_square", picture)
                // The latent as it is sent by default: normalised where the model has statistics.
                let latent = try await client.post("/encode?apply_frequency=false", picture)
                let shape = try #require(latent.fields["shape"])
                try await expectSingles(client, [9, total], "&shape=\(shape)", latent.body)
                let tokens = try await client.post("/encode?layout=freq_tokens&keep=25", picture)
                let tokensShape = try #require(tokens.fields["shape"])
                try await expectSingles(client, [9, total], "&shape=\(tokensShape)", tokens.body)
            }
        }

        @Test(arguments: ["k2", "k4"]) func theBandsOfTheFirstEditionAreThoseOfTheEncode(name: String) async throws {
            let folder = try ConvertedModels.folder("first-edition/\(name)")
            try await TestService.run(model: folder) { client in
                try await expectSingles(client, [16, 256], "&freq_ratio=0.5", picture)
                let whole = try await client.post("/decode?keep=[16]", picture)
                let half = try await client.post("/decode?keep=[16]&freq_ratio=0.5", picture)
                #expect(whole.status == 200 && whole.file != half.file)
            }
        }

        /// Blocks of different sizes decode to images of different sizes.
        @Test func compactLevels() async throws {
            try await TestService.run { client in
                let compact = "&cutoff_mode=map2d_square&decode_from_split_band=true"
                try await expectSingles(client, [16, 64, 144, 256], compact, picture)
                try await expectSingles(client, [16, 64], compact + "&decode_keep_count=36", picture)
            }
        }

        @Test func aBlockOfTokensHasNoLevels() async throws {
            try await TestService.run { client in
                let block = [UInt8](repeating: 0, count: 96 * 64 * 4)
                let target = "/decode?shape=1,96,8,8&normalize=false&decode_from_split_band=true"
                let single = try await client.post(target + "&keep=64", block)
                #expect(single.status == 200)
                #expect(single.fields["uae-latent"] == "keep=64, order=zigzag, bytes=\(96 * 64 * 4)")
                let refused = try await client.post(target + "&keep=[64]", block)
                #expect(refused.status == 400 && refused.json["parameter"] as? String == "keep", "\(refused.text)")
            }
        }

        /// The default model's decoder needs the whole grid; the encode is not run for nothing.
        @Test func levelsThatCannotBeDecodedAreRefusedBeforeTheEncode() async throws {
            try await TestService.run(model: TestService.defaultModel) { client in
                func batches() async throws -> Substring? {
                    try await client.get("/metrics").text.firstMatch(of: /\nuae_batches_total (\d+)/)?.1
                }
                let before = try await batches()
                let refused = try await client.post(
                    "/decode?keep=196,49&cutoff_mode=map2d_square&decode_from_split_band=true",
                    picture
                )
                #expect(refused.status == 501 && refused.json["missing"] as? String == "compact-decode")
                let odd = try await client.post("/decode?keep=4,10&cutoff_mode=map2d_square", picture)
                #expect(odd.status == 400 && odd.text.contains("'10'") && odd.text.contains("9 (3x3) or 16 (4x4)"))
                #expect(try await batches() == before && before != nil)
            }
        }
    }
}
