// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import ConvertedModels
import Fixtures
import Foundation
import TensorFiles
import Testing

extension ServiceTests {
    /// `keep_from`, `keep_to` and `band`: what a part of a latent adds to an image.
    @Suite struct ContributionTests {
        private let chelsea: [UInt8]
        private let rocket: [UInt8]

        init() throws {
            chelsea = try Fixtures.bytes("golden/dinov2/chelsea.png")
            rocket = try Fixtures.bytes("golden/siglip2/rocket.jpg")
        }

        /// 128 plus the difference of two images; nil where an image is clamped.
        private func difference(_ image: [UInt8], _ base: [UInt8]) -> [Int?] {
            zip(image, base).map { one, other in
                let isWhole = (1...254).contains(one) && (1...254).contains(other)
                let sum = 128 + Int(one) - Int(other)
                return isWhole && (1...254).contains(sum) ? sum : nil
            }
        }

        @Test(arguments: ["zigzag", "radial"])
        func theLowestCoefficientsAddTheirImageToThatOfNothing(order: String) async throws {
            try await TestService.run(model: TestService.defaultModel) { client in
                let zeros = [UInt8](repeating: 0, count: 192 * 196 * 4)
                let empty = try await client.post("/decode?shape=1,192,14,14", zeros).pixels
                let low = try await client.post("/decode?keep=36&freq_order=\(order)", chelsea).pixels
                let response = try await client.post(
                    "/decode?keep_from=0&keep_to=36&freq_order=\(order)",
                    chelsea
                )
                #expect(response.fields["uae-latent"] == "keep_from=0, keep_to=36, order=\(order), bytes=27648")
                #expect(response.fields["uae-quality"] == nil)
                let wanted = difference(low, empty)
                #expect(wanted.count { $0 != nil } > wanted.count / 2)
                // Three images are rounded.
                let steps = zip(try response.pixels, wanted).compactMap { pair in pair.1.map { abs($0 - Int(pair.0)) } }
                #expect(steps.max() ?? .max <= 1)
            }
        }

        @Test func aRangeWithoutTheMeanHasMidGreyForItsMean() async throws {
            try await TestService.run(model: TestService.defaultModel) { client in
                let pixels = try await client.post("/decode?keep_from=4&keep_to=16", chelsea).pixels
                for colour in 0..<3 {
                    let values = stride(from: colour, to: pixels.count, by: 3).map { Int(pixels[$0]) }
                    #expect(abs(Double(values.reduce(0, +)) / Double(values.count) - 128) < 1)
                    #expect(values.max() ?? 0 > 150 && values.min() ?? 255 < 110)
                }
            }
        }

        @Test(arguments: ["round", "trunc"])
        func coefficientsThatHoldNothingAreMidGrey(rounding: String) async throws {
            try await TestService.run { client in
                let low = try await client.post("/encode?keep=16&layout=freq_tokens&format=npy", chelsea)
                #expect(low.status == 200)
                let target = "/decode?keep_from=16&keep_to=256&rounding=\(rounding)"
                #expect(try await client.post(target, low.body).pixels.allSatisfy { $0 == 128 })
                #expect(try await client.post(target, chelsea).pixels.contains { $0 != 128 })
            }
        }

        @Test func theFormOfTheInputDoesNotMatter() async throws {
            try await TestService.run { client in
                let range = "keep_from=4&keep_to=16"
                let wanted = try await client.post("/decode?\(range)", chelsea).pixels
                // The model has statistics: latents are normalised unless a request says otherwise.
                for format in ["npy", "npz", "safetensors"] {
                    let latent = try await client.post("/encode?keep=256&format=\(format)", chelsea)
                    let pixels = try await client.post("/decode?\(range)", latent.body).pixels
                    #expect(largestStep(pixels, wanted) <= 1, "\(format)")
                }
                let plain = try await client.post("/encode?keep=256&normalize=false", chelsea)
                let shape = try #require(plain.fields["shape"])
                let raw = try await client.post("/decode?\(range)&normalize=false&shape=\(shape)", plain.body)
                #expect(largestStep(try raw.pixels, wanted) == 0)
                let tokens = try await client.post("/encode?keep=40&layout=freq_tokens&format=npy", chelsea)
                #expect(largestStep(try await client.post("/decode?\(range)", tokens.body).pixels, wanted) <= 1)
                // Coefficients that were not sent add nothing.
                let fewer = try await client.post("/encode?keep=16&layout=freq_tokens&format=npy", chelsea)
                #expect(largestStep(try await client.post("/decode?\(range)", fewer.body).pixels, wanted) <= 1)
            }
        }

        @Test func severalItemsEachHaveTheirs() async throws {
            try await TestService.run { client in
                let range = "keep_from=4&keep_to=16"
                var singles: [FileBytes] = []
                for photo in [chelsea, rocket] { singles.append(try await client.post("/decode?\(range)", photo).file) }
                let body = ItemBodies.json([chelsea, rocket, [1, 2, 3]], #""keep_from":4"#, #""keep_to":16.0"#)
                let refused = try await client.post("/decode", body)
                #expect(refused.status == 415 && refused.json["item"] as? String == "2")
                let items = try await client.post("/decode?on_error=skip", body).items
                #expect(items.map(\.file) == singles + [nil])
                #expect(items.map { $0["status"] as? Int } == [200, 200, 415])
                for item in items.prefix(2) {
                    #expect(item["keep_from"] as? Int == 4 && item["keep_to"] as? Int == 16)
                    #expect(item["latent_bytes"] as? Int == 96 * 12 * 4)
                    #expect(item["quality"] == nil && item["keep"] == nil)
                }
                let form = ItemBodies.form([chelsea, rocket], ("keep_from", "4"), ("keep_to", "16"))
                let parts = try await client.post("/decode", form, ItemBodies.formType).parts()
                #expect(parts.map(\.file) == singles)
                for part in parts {
                    #expect(part.fields["uae-latent"] == "keep_from=4, keep_to=16, order=zigzag, bytes=4608")
                    #expect(part.fields["uae-quality"] == nil)
                }
                let both = try await client.post("/decode?\(range)&with_input=true", chelsea).parts()
                #expect(both.map { $0.fields["uae-image"] } == ["input", nil])
                #expect(both.last?.file == singles[0])
                let jpeg = try await client.post("/decode?\(range)&image_format=jpg&quality=90", chelsea)
                #expect(jpeg.fields["content-type"] == "image/jpeg" && jpeg.status == 200)
            }
        }

        @Test(arguments: [("k2", "rocket", 2), ("k4", "brick", 4)])
        func eachBandOfAFirstEditionModelIsShown(name: String, photo: String, count: Int) async throws {
            let folder = try ConvertedModels.folder("first-edition/\(name)")
            let file = try SafetensorsFile(
                path: Fixtures.path("golden/first-edition/\(name)/expected-\(photo).safetensors")
            )
            let pixels = file.withBytes(of: try #require(file.index.entries["pixels"])) { [UInt8]($0) }
            let picture = photo == "rocket" ? rocket : try Fixtures.bytes("golden/first-edition/\(name)/\(photo).png")
            let engine = try AutoencoderEngine(model: try AutoencoderModel(directory: folder), threads: 2)
            let byteCount = engine.model.configuration.latentCount * 4
            try await TestService.run(model: folder) { client in
                for band in 0..<count {
                    var task = AutoencoderTask(input: .pixels(pixels), outputs: .contribution)
                    task.bands = .only(band)
                    let result = try #require(engine.run([engine.plan(task)]).first).get()
                    let wanted = try #require(result.image)
                    let response = try await client.post("/decode?band=\(band)", picture)
                    #expect(largestStep(try response.pixels, wanted) == 0, "\(band)")
                    #expect(response.fields["uae-latent"] == "band=\(band), bytes=\(byteCount)")
                    #expect(response.fields["uae-quality"] == nil)
                }
                let items = try await client.post("/decode", ItemBodies.json([picture], #""band":1"#)).items
                #expect(items.first?["band"] as? Int == 1 && items.first?["latent_bytes"] as? Int == byteCount)
                for band in ["-1", "\(count)", "low", "1.5", "9223372036854775808", ""] {
                    let refused = try await client.post("/decode?band=\(band)", picture)
                    #expect(refused.status == 400 && refused.json["parameter"] as? String == "band", "\(band)")
                    #expect(refused.json["allowed"] as? String == "a band of this model, 0 to \(count - 1)")
                }
                // The bands are gone once there is a latent; a range is still there.
                let latent = try await client.post("/encode?format=npy", picture)
                let refused = try await client.post("/decode?band=0", latent.body)
                #expect(refused.status == 400 && refused.json["parameter"] as? String == "band", "\(refused.text)")
                #expect(try await client.post("/decode?keep_from=1&keep_to=9", latent.body).status == 200)
            }
        }

        @Test func aModelWithoutBandsNamesWhatItHas() async throws {
            try await TestService.run { client in
                let response = try await client.post("/decode?band=0", chelsea)
                #expect(response.status == 501 && response.json["missing"] as? String == "fft-bands")
                #expect(try #require(response.json["detail"] as? String).contains("keep_from"))
            }
        }

        @Test func whatCannotBeIsRefusedByName() async throws {
            try await TestService.run { client in
                let range = "keep_from=4&keep_to=16"
                for (query, parameter) in [
                    ("keep_from=4", "keep_from"), ("keep_to=4", "keep_to"), ("keep_from=4&keep_to=4", "keep_to"),
                    ("keep_from=9&keep_to=4", "keep_to"), ("keep_from=0&keep_to=257", "keep_to"),
                    ("keep_from=256&keep_to=256", "keep_from"), ("keep_from=-1&keep_to=4", "keep_from"),
                    ("keep_from=0&keep_to=0", "keep_to"), ("keep_from=a&keep_to=b", "keep_from"),
                    ("keep_from=1,2&keep_to=4", "keep_from"), ("\(range)&keep_to=17", "keep_to"),
                    ("keep_from=9223372036854775808&keep_to=4", "keep_from"),
                    ("\(range)&keep=4", "keep_from"), ("\(range)&keep=4,16", "keep_from"),
                    ("\(range)&band_mode=low", "keep_from"), ("\(range)&cutoff_mode=reorder_1d", "keep_from"),
                    ("\(range)&freq_ratio=1", "keep_from"), ("\(range)&apply_frequency=false", "keep_from"),
                    ("\(range)&decode_keep_count=16", "keep_from"), ("\(range)&band=0", "keep_from"),
                    ("\(range)&decode_from_split_band=true", "keep_from"), ("\(range)&mix=low:4", "keep_from"),
                    ("band=0&freq_order=radial", "band"), ("band=0&keep=4", "band"), ("band=0&mix=low:4", "band"),
                ] {
                    let response = try await client.post("/decode?\(query)", chelsea)
                    #expect(response.status == 400 && response.slug == "bad-parameter", "\(query): \(response.text)")
                    #expect(response.json["parameter"] as? String == parameter, "\(query)")
                }
                for operation in ["encode", "spectrum", "classify"] {
                    let response = try await client.post("/\(operation)?\(range)", chelsea)
                    #expect(response.status == 400 && response.slug == "unknown-parameter", "\(operation)")
                }
            }
        }

        @Test func aModelThatDecodesBlocksShowsWholeLatents() async throws {
            let folder = FileManager.default.temporaryDirectory.appending(path: "square-\(UUID().uuidString)")
            try FileManager.default.copyItem(at: URL(filePath: TestService.goldenDINOv2), to: folder)
            defer { try? FileManager.default.removeItem(at: folder) }
            let path = folder.appending(path: "config.json")
            var configuration = try #require(
                try JSONSerialization.jsonObject(with: Data(contentsOf: path)) as? [String: Any]
            )
            configuration["frequency"] = [
                "transform": "dct", "cutoff": "map2d_square", "mode": "low", "count": 64, "decode_count": 64,
            ]
            try JSONSerialization.data(withJSONObject: configuration).write(to: path)
            try await TestService.run(model: folder.path()) { client in
                #expect(try await client.post("/decode", chelsea).pixels.count == 128 * 128 * 3)
                let range = try await client.post("/decode?keep_from=0&keep_to=64", chelsea)
                #expect(try range.pixels.count == 256 * 256 * 3)
                let files = ItemBodies.form([chelsea, rocket])
                let mixture = try await client.post("/decode?mix=low:64", files, ItemBodies.formType)
                #expect(try mixture.pixels.count == 256 * 256 * 3)
                // A block of tokens is no whole latent.
                let block = [UInt8](repeating: 0, count: 2 * 96 * 64 * 4)
                for (query, parameter) in [("keep_from=0&keep_to=64", "keep_from"), ("mix=low:64", "mix")] {
                    let refused = try await client.post("/decode?\(query)&shape=2,96,8,8", block)
                    #expect(refused.status == 400 && refused.slug == "bad-parameter", "\(refused.text)")
                    #expect(refused.json["parameter"] as? String == parameter)
                }
            }
        }

        @Test func latentsThatOverflowAreRefused() async throws {
            try await TestService.run { client in
                let huge = [Float](repeating: 3e38, count: 96 * 256).flatMap { withUnsafeBytes(of: $0, Array.init) }
                let target = "/decode?keep_from=0&keep_to=16&shape=1,96,16,16&normalize=false"
                let response = try await client.post(target, huge)
                #expect(response.status == 422 && response.slug == "tensor-nonfinite", "\(response.text)")
            }
        }
    }
}
