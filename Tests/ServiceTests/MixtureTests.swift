// SPDX-License-Identifier: Apache-2.0

import Fixtures
import Foundation
import Testing

extension ServiceTests {
    /// `mix`: one image of two inputs.
    @Suite struct MixtureTests {
        private let chelsea: [UInt8]
        private let rocket: [UInt8]

        init() throws {
            chelsea = try Fixtures.bytes("golden/dinov2/chelsea.png")
            rocket = try Fixtures.bytes("golden/siglip2/rocket.jpg")
        }

        private func mix(
            _ client: TestClient,
            _ query: String,
            _ files: [[UInt8]]
        ) async throws -> TestClient.Response {
            try await client.post("/decode?mix=\(query)", ItemBodies.form(files), ItemBodies.formType)
        }

        @Test func allOrNothingOfTheFirstIsOneOfTheImages() async throws {
            try await TestService.run(model: TestService.defaultModel) { client in
                var singles: [FileBytes] = []
                for photo in [chelsea, rocket] { singles.append(try await client.post("/decode", photo).file) }
                for (query, wanted) in [("low:196", 0), ("high:196", 0), ("low:0", 1), ("high:0", 1)] {
                    let response = try await mix(client, query, [chelsea, rocket])
                    #expect(response.file == singles[wanted], "\(query)")
                    #expect(response.fields["content-type"] == "image/png")
                    #expect(response.fields["uae-latent"] == "mix=\(query), order=zigzag, bytes=150528")
                    #expect(response.fields["uae-quality"] == nil)
                }
            }
        }

        @Test func theLowBandComesFromTheFirst() async throws {
            try await TestService.run(model: TestService.defaultModel) { client in
                let mixed = try await mix(client, "low:16", [chelsea, rocket])
                #expect(mixed.status == 200)
                let swapped = try await mix(client, "high:180", [rocket, chelsea])
                #expect(largestStep(try mixed.pixels, try swapped.pixels) <= 1)
                // Its low band encodes to that of the first, its high band to that of the second.
                func tokens(_ photo: [UInt8]) async throws -> [Float] {
                    let response = try await client.post("/encode?keep=64&layout=freq_tokens", photo)
                    return response.floats
                }
                let (made, first, second) = try await (tokens(mixed.body), tokens(chelsea), tokens(rocket))
                func distance(_ other: [Float], _ places: Range<Int>) -> Float {
                    made.indices.reduce(0) { sum, index in
                        let step = made[index] - other[index]
                        // The first channels of low coefficients describe the class, which a network recognises anew.
                        return places.contains(index % 64) && index / 64 >= 176 ? sum + step * step : sum
                    }
                }
                #expect(distance(first, 0..<16) < distance(second, 0..<16) / 4)
                #expect(distance(second, 16..<64) < distance(first, 16..<64) / 4)
            }
        }

        @Test func theOrderOfTheRequestCounts() async throws {
            try await TestService.run { client in
                let zigzag = try await mix(client, "low:17", [chelsea, rocket])
                let radial = try await mix(client, "low:17&freq_order=radial", [chelsea, rocket])
                #expect(radial.fields["uae-latent"] == "mix=low:17, order=radial, bytes=98304")
                #expect(largestStep(try zigzag.pixels, try radial.pixels) > 1)
                let truncated = try await mix(client, "low:17&rounding=trunc", [chelsea, rocket])
                #expect(largestStep(try zigzag.pixels, try truncated.pixels) == 1)
            }
        }

        @Test func theFormOfTheInputsDoesNotMatter() async throws {
            try await TestService.run { client in
                let wanted = try await mix(client, "low:16", [chelsea, rocket]).pixels
                // The model has statistics: both latents are normalised.
                var latents: [String: [[UInt8]]] = [:]
                for (name, query) in [
                    ("npy", "format=npy&keep=256"), ("safetensors", "format=safetensors&keep=256"),
                    ("freq_tokens", "format=npz&layout=freq_tokens&keep=256"),
                ] {
                    for photo in [chelsea, rocket] {
                        latents[name, default: []].append(try await client.post("/encode?\(query)", photo).body)
                    }
                }
                for (name, pair) in latents {
                    for files in [pair, [chelsea, pair[1]], [pair[0], rocket]] {
                        #expect(largestStep(try await mix(client, "low:16", files).pixels, wanted) <= 1, "\(name)")
                    }
                }
                // A file of our own says that its numbers are not normalised.
                let plain = try await client.post("/encode?format=safetensors&normalize=false&keep=256", rocket).body
                #expect(largestStep(try await mix(client, "low:16", [chelsea, plain]).pixels, wanted) == 0)
                // JSON, and a batch of two in one tensor.
                let json = ItemBodies.json([chelsea, rocket], #""mix":"low:16""#, #""image_format":"png""#)
                let items = try await client.post("/decode", json).items
                #expect(items.count == 1)
                let item = try #require(items.first)
                let file = try #require(item.file)
                #expect(try await mix(client, "low:16", [chelsea, rocket]).file == file)
                #expect(item["id"] as? String == "0+1" && item["mix"] as? String == "low:16")
                #expect(item["latent_bytes"] as? Int == 96 * 256 * 4 && item["quality"] == nil)
                var batch: [UInt8] = []
                for photo in [chelsea, rocket] {
                    batch += try await client.post("/encode?keep=256&normalize=false", photo).body
                }
                let raw = try await client.post("/decode?mix=low:16&normalize=false&shape=2,96,16,16", batch)
                #expect(largestStep(try raw.pixels, wanted) == 0)
            }
        }

        @Test func anotherNumberOfInputsIsRefusedWithBothNumbers() async throws {
            try await TestService.run { client in
                for count in [1, 3, 5] {
                    let files = [[UInt8]](repeating: chelsea, count: count)
                    for fields in ["low:4", "low:4&on_error=skip"] {
                        let response = try await mix(client, fields, files)
                        #expect(response.status == 400 && response.slug == "bad-parameter", "\(response.text)")
                        #expect(response.json["parameter"] as? String == "mix")
                        #expect(response.json["expected"] as? Int == 2 && response.json["actual"] as? Int == count)
                    }
                }
            }
        }

        @Test(arguments: ["fail", "skip"])
        func anInputThatFailsFailsTheRequest(policy: String) async throws {
            try await TestService.run { client in
                let broken = Array(chelsea.prefix(5000))
                var nonfinite = [Float](repeating: 0, count: 96 * 256)
                nonfinite[7] = .nan
                let huge = [Float](repeating: 3e38, count: 96 * 256)
                func npy(_ values: [Float]) -> [UInt8] {
                    let head = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 96, 16, 16), }\n"
                    let size = UInt16(head.utf8.count)
                    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(size & 255), UInt8(size >> 8)]
                        + Array(head.utf8) + values.flatMap { withUnsafeBytes(of: $0, Array.init) }
                }
                for (file, slug) in [(broken, "image-undecodable"), (npy(nonfinite), "tensor-nonfinite")] {
                    for (place, files) in [("1", [chelsea, file]), ("0", [file, chelsea])] {
                        let response = try await mix(client, "low:9&on_error=\(policy)", files)
                        #expect(response.status == 422 && response.slug == slug, "\(response.text)")
                        #expect(response.json["item"] as? String == place)
                    }
                }
                for files in [[npy(huge), npy(huge)], [npy(huge), chelsea], [chelsea, npy(huge)]] {
                    let response = try await mix(client, "low:9&normalize=false&on_error=\(policy)", files)
                    #expect(response.status == 422 && response.slug == "tensor-nonfinite", "\(response.text)")
                }
                #expect(try await mix(client, "low:9", [chelsea, rocket]).status == 200)
            }
        }

        @Test func whatCannotBeIsRefusedByName() async throws {
            try await TestService.run { client in
                for value in [
                    "", "low", "low:", ":4", "low:257", "low:-1", "low:+4", "low:4:4", "mid:4", "LOW:4", "low:4.0",
                    "drop_low:4", "low:99999999999999999999", "low%204",
                ] {
                    let response = try await mix(client, value, [chelsea, rocket])
                    #expect(response.status == 400 && response.json["parameter"] as? String == "mix", "\(value)")
                    #expect(response.json["allowed"] as? String == "low:K or high:K with K from 0 to 256", "\(value)")
                }
                for other in [
                    "keep=4", "keep=4,16", "band_mode=low", "cutoff_mode=reorder_1d", "freq_ratio=1",
                    "apply_frequency=false", "decode_keep_count=16", "decode_from_split_band=true", "with_input=true",
                ] {
                    let response = try await mix(client, "low:4&\(other)", [chelsea, rocket])
                    #expect(response.status == 400 && response.slug == "bad-parameter", "\(other): \(response.text)")
                    #expect(response.json["parameter"] as? String == "mix", "\(other)")
                }
                for operation in ["encode", "spectrum", "classify"] {
                    let response = try await client.post("/\(operation)?mix=low:4", chelsea)
                    #expect(response.status == 400 && response.slug == "unknown-parameter", "\(operation)")
                }
            }
        }
    }
}
