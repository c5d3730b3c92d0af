// SPDX-License-Identifier: Apache-2.0

import ConvertedModels
import Fixtures
import Foundation
import Service
import TensorFiles
import Testing

extension ServiceTests {
    /// Heads given by path, their labels, and how responses name them.
    @Suite struct HeadTests {
        private let photo: [UInt8]

        init() throws {
            photo = try Fixtures.bytes("golden/dinov2/chelsea.png")
        }

        /// A linear probe for the golden DINOv2 model, in a folder that `body` may use.
        private func withHead(
            _ classCount: Int,
            value: Float = 0.01,
            labels: String? = nil,
            _ body: (_ path: String) async throws -> Void
        ) async throws {
            let path = NSTemporaryDirectory() + "/uae-head-\(UUID().uuidString).safetensors"
            defer { try? FileManager.default.removeItem(atPath: path) }
            let bytes = writeSafetensors(
                [
                    OutgoingTensor(
                        name: "weight",
                        shape: [classCount, 96],
                        dtype: .float32,
                        values: (0..<classCount * 96).map { Float($0 % 5) * value }
                    ),
                    OutgoingTensor(
                        name: "bias",
                        shape: [classCount],
                        dtype: .float32,
                        values: [Float](repeating: 0, count: classCount)
                    ),
                ],
                metadata: labels.map { [("labels", $0)] } ?? []
            )
            try Data(bytes).write(to: URL(filePath: path))
            try await body(path)
        }

        private func predictions(_ response: TestClient.Response) throws -> [[String: Any]] {
            let item = try #require((response.json["items"] as? [[String: Any]])?.first, "\(response.text)")
            return try #require(item["predictions"] as? [[String: Any]])
        }

        @Test func aHeadOfFewClassesReturnsThemAll() async throws {
            try await withHead(3) { path in
                try await TestService.run(settings: TestService.settings { $0.head = path }) { client in
                    let found = try predictions(try await client.post("/classify", photo))
                    #expect(found.count == 3 && found.allSatisfy { $0["label"] is NSNull })
                    #expect(try predictions(try await client.post("/classify?top_k=2", photo)).count == 2)
                    let refused = try await client.post("/classify?top_k=4", photo)
                    #expect(refused.status == 400 && refused.slug == "bad-parameter", "\(refused.text)")
                    #expect(try await client.get("/labels").slug == "feature-unavailable")
                    let head = try #require(try await client.get("/info").json["head"] as? [String: Any])
                    #expect(head["classes"] as? Int == 3 && head["labels"] as? Bool == false)
                    #expect((head["sha256"] as? String)?.count == 64)
                }
            }
        }

        @Test func labelsComeWithTheHeadOrFromAFile() async throws {
            let names = NSTemporaryDirectory() + "/uae-names-\(UUID().uuidString).txt"
            defer { try? FileManager.default.removeItem(atPath: names) }
            try Data("x\ny\nz\n".utf8).write(to: URL(filePath: names))
            try await withHead(3, labels: "[\"a\",\"b\",\"c\"]") { path in
                for (file, expected) in [(nil, ["a", "b", "c"]), (names, ["x", "y", "z"])] {
                    let settings = TestService.settings {
                        $0.head = path
                        $0.labels = file
                    }
                    try await TestService.run(settings: settings) { client in
                        #expect(try await client.get("/labels?format=json").json["labels"] as? [String] == expected)
                        for prediction in try predictions(try await client.post("/classify", photo)) {
                            let index = try #require(prediction["index"] as? Int)
                            #expect(prediction["label"] as? String == expected[index])
                        }
                    }
                }
            }
        }

        @Test func responsesNameTheModelAndItsHead() async throws {
            let document = try String(
                contentsOf: Fixtures.repository.appending(path: "openapi.yaml"),
                encoding: .utf8
            )
            let pattern = try #require(document.firstMatch(of: /pattern: "(\^\[\^@\][^"]*)"/))
            let described = try Regex(String(pattern.1))
            func names(_ head: String?) async throws -> Set<String> {
                var found: Set<String> = []
                try await TestService.run(settings: TestService.settings { $0.head = head }) { client in
                    for target in ["/encode", "/encode?format=json", "/decode", "/spectrum"] {
                        found.insert(try #require(try await client.post(target, photo).fields["uae-model"]))
                    }
                    if head != nil {
                        let response = try await client.post("/classify", photo)
                        found.insert(try #require(response.fields["uae-model"]))
                        found.insert(try #require(response.json["model"] as? String))
                    }
                }
                return found
            }
            var seen: [String] = [try #require(try await names(nil).first)]
            for value in [Float(0.01), 0.02] {
                try await withHead(3, value: value) { path in
                    let found = try await names(path)
                    #expect(found.count == 1, "\(found)")
                    seen.append(try #require(found.first))
                }
            }
            #expect(Set(seen).count == 3, "\(seen)")
            for name in seen {
                #expect(try described.wholeMatch(in: name) != nil, "\(name)")
                // Clients of the first form find the weights where they were.
                #expect(name.hasPrefix("golden-dinov2@sha256:"))
            }
        }

        /// The first edition's bands are rings; those of the 2026 edition say what their settings say.
        @Test(arguments: ["first-edition/k2", "first-edition/k4", "radial"])
        func latentsOfARadialModelSaySo(source: String) async throws {
            let folder = try source == "radial" ? radialFolder() : ConvertedModels.folder(source)
            defer { if source == "radial" { try? FileManager.default.removeItem(atPath: folder) } }
            try await TestService.run(model: folder) { client in
                for query in ["", "?pool=mean", "?keep=9", "?layout=freq_tokens", "?normalize=false&keep=4"] {
                    let response = try await client.post("/encode\(query)", photo)
                    #expect(response.fields["uae-latent"]?.contains("order=radial") == true, "\(query)")
                }
                let tensors = try await client.post("/encode?format=safetensors", photo).body
                let metadata = try tensors.withUnsafeBytes { try SafetensorsIndex($0) }.metadata
                #expect(metadata["uae_latent"]?.contains("order=radial") == true)
                let json = try await client.post("/encode?format=json", photo).json
                #expect((json["latent"] as? String)?.contains("order=radial") == true)
                let frequency = try #require(try await client.get("/info").json["frequency"] as? [String: Any])
                #expect(frequency["order"] as? String == "radial")
                let spectrum = try await client.post("/spectrum", photo).json
                #expect(spectrum["order"] as? String == "radial")
            }
        }

        /// The golden DINOv2 model with the other order.
        private func radialFolder() throws -> String {
            let path = NSTemporaryDirectory() + "/uae-radial-\(UUID().uuidString)"
            try FileManager.default.copyItem(atPath: TestService.goldenDINOv2, toPath: path)
            let file = path + "/config.json"
            let text = try String(contentsOfFile: file, encoding: .utf8)
            try text.replacing("\"zigzag\"", with: "\"radial\"").write(toFile: file, atomically: true, encoding: .utf8)
            return path
        }

        /// As the reference library reads it.
        @Test func safetensorsWithNullMetadataAreRead() async throws {
            let file = try Fixtures.bytes("tensors/metadata_null.safetensors")
            try await TestService.run(model: TestService.defaultModel) { client in
                let response = try await client.post("/decode", file)
                #expect(response.status == 200, "\(response.text.prefix(300))")
            }
        }
    }
}
