// SPDX-License-Identifier: Apache-2.0

import Fixtures
import Foundation
import ImageCodec
import Service
import Testing

extension ServiceTests {
    /// `/decode?layout=sheet`.
    @Suite struct SheetTests {
        private let image: [UInt8]
        private let base64: String

        init() throws {
            image = try Fixtures.bytes("golden/dinov2/chelsea.png")
            base64 = Data(image).base64EncodedString()
        }

        private func inputs(_ files: [String]) -> [UInt8] {
            Array("{\"inputs\":[\(files.map { "{\"b64\":\"\($0)\"}" }.joined(separator: ","))]}".utf8)
        }

        private func decoded(_ bytes: [UInt8]) throws -> RGBImage {
            try bytes.withUnsafeBytes { try decodeImage($0, limits: ImageLimits(), exif: .ignore) }
        }

        private func part(_ page: RGBImage, x: Int, y: Int, side: Int) -> [UInt8] {
            var pixels: [UInt8] = []
            for row in y..<y + side {
                let start = (row * page.width + x) * 3
                pixels += page.pixels[start..<start + side * 3]
            }
            return pixels
        }

        @Test func theInputAndEachLevelAreOnIt() async throws {
            try await TestService.run { client in
                let response = try await client.post("/decode?keep=4,64&layout=sheet", image)
                #expect(response.status == 200 && response.fields["content-type"] == "image/png")
                #expect(response.fields["uae-model"]?.contains("@sha256:") == true)
                let page = try decoded(response.body)
                #expect(page.width == 8 + 3 * 264)
                let original = try decoded(image).centerCropped(to: 256)
                #expect(part(page, x: 8, y: 8, side: 256) == original.pixels)
                for (column, keep) in [4, 64].enumerated() {
                    let single = try await client.post("/decode?keep=\(keep)", image)
                    #expect(try part(page, x: 8 + 264 * (column + 1), y: 8, side: 256) == decoded(single.body).pixels)
                }
                // Text under each: something is black there.
                for column in 0..<3 {
                    let text = part(page, x: 8 + 264 * column, y: 8 + 256 + 2, side: 24)
                    #expect(text.contains(0) && text.contains(255), "\(column)")
                }
                // One image without a list, and a latent, which has no input.
                let one = try await client.post("/decode?layout=sheet", image)
                #expect(try decoded(one.body).width == 8 + 2 * 264)
                let latent = try await client.post("/encode?format=npy", image).body
                let sheet = try decoded(try await client.post("/decode?layout=sheet&keep=1,4,9", latent).body)
                #expect(sheet.width == 8 + 3 * 264)
            }
        }

        @Test func itIsOneImageWhateverTheFormatAndTheNumberOfItems() async throws {
            try await TestService.run { client in
                let single = try decoded(try await client.post("/decode?keep=1,4&layout=sheet", image).body)
                let form = ["a.png", "b.png"].flatMap { name in
                    let head = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\(name)\"\r\n\r\n"
                    return Array(head.utf8) + image + Array("\r\n".utf8)
                }
                for (format, query) in [
                    ("png", ""), ("jpeg", "&image_format=jpg&quality=80"), ("webp", "&image_format=webp"),
                ] {
                    let response = try await client.post(
                        "/decode?keep=1,4&layout=sheet" + query,
                        form + Array("--b--\r\n".utf8),
                        [("Content-Type", "multipart/form-data; boundary=b")]
                    )
                    #expect(response.status == 200 && response.fields["content-type"] == "image/\(format)")
                    let page = try decoded(response.body)
                    // Two rows, each with its name above.
                    #expect(page.width == single.width && page.height == 2 * (single.height + 22) - 8)
                }
            }
        }

        @Test func aFailedItemHasARowThatSaysWhy() async throws {
            let bad = Data(image.prefix(999)).base64EncodedString()
            try await TestService.run { client in
                let path = "/decode?keep=1,4&layout=sheet&on_error=skip"
                let refused = try await client.post("/decode?keep=1,4&layout=sheet", inputs([base64, bad]))
                #expect(refused.status == 422 && refused.json["item"] as? String == "1")
                let json = try await client.post(path, inputs([base64, bad])).json
                let items = try #require(json["items"] as? [[String: Any]])
                #expect(items.compactMap { $0["status"] as? Int } == [200, 422])
                let file = try #require((json["data_b64"] as? String).flatMap { Data(base64Encoded: $0) })
                let page = try decoded([UInt8](file))
                let good = try await client.post(path, inputs([base64, base64])).json
                let whole = try #require((good["data_b64"] as? String).flatMap { Data(base64Encoded: $0) })
                // Name and title instead of the name, images and their text.
                #expect(try page.height == decoded([UInt8](whole)).height - (256 + 4 + 66) + 22)
                let problem = try #require(items[1]["problem"] as? [String: Any])
                let title = try #require(problem["title"] as? String)
                // White images of the same size give the same letters.
                let white = RGBImage(width: 256, height: 256, pixels: [UInt8](repeating: 255, count: 256 * 256 * 3))
                let cells = [ContactSheet.Cell](repeating: ContactSheet.Cell(white, lines: []), count: 3)
                let expected = ContactSheet([.init(cells: cells), .init(heading: ["1", title])]).draw()
                let lastRow = page.width * 3 * (2 * 22 + 8)
                #expect(expected.pixels.suffix(lastRow).contains(0))
                #expect(page.pixels.suffix(lastRow).elementsEqual(expected.pixels.suffix(lastRow)))
            }
        }

        @Test func jsonHasTheFiguresWithoutTheImages() async throws {
            try await TestService.run { client in
                let sheet = try await client.post("/decode?keep=4,16&layout=sheet", inputs([base64])).json
                let images = try await client.post("/decode?keep=4,16", inputs([base64])).json
                #expect(sheet["content_type"] as? String == "image/png")
                let file = try #require((sheet["data_b64"] as? String).flatMap { Data(base64Encoded: $0) })
                #expect(try await client.post("/decode?keep=4,16&layout=sheet", image).body == [UInt8](file))
                func levels(_ document: [String: Any]) throws -> [[String: Any]] {
                    let item = try #require((document["items"] as? [[String: Any]])?.first)
                    var levels = try #require(item["levels"] as? [[String: Any]])
                    for index in levels.indices {
                        levels[index]["data_b64"] = nil
                        levels[index]["content_type"] = nil
                    }
                    return levels
                }
                #expect(try levels(sheet) as NSArray == levels(images) as NSArray)
                #expect(try levels(sheet).allSatisfy { $0["quality"] != nil && $0["latent_bytes"] != nil })
                let single = try await client.post("/decode?keep=4&layout=sheet", inputs([base64])).json
                let item = try #require((single["items"] as? [[String: Any]])?.first)
                #expect(item["keep"] as? Int == 4 && item["quality"] != nil && item["data_b64"] == nil)
            }
        }

        @Test func whatASheetCannotBe() async throws {
            try await TestService.run(settings: TestService.settings { $0.maxClientItems = 64 }) { client in
                for (query, parameter) in [
                    ("layout=page", "layout"), ("layout=sheet&with_input=true", "with_input"),
                    ("layout=sheet&quality=80", "quality"),
                ] {
                    let response = try await client.post("/decode?" + query, image)
                    #expect(response.status == 400 && response.json["parameter"] as? String == parameter, "\(query)")
                }
                let unwanted = try await client.post("/decode?layout=sheet", image, [("Accept", "text/html")])
                #expect(unwanted.status == 406)
                // WebP has 14 bits for a side.
                let many = inputs(Array(repeating: base64, count: 60))
                let sheet = try await client.post(
                    "/decode?layout=sheet&image_format=webp",
                    many,
                    [("Accept", "image/webp"), ("Content-Type", "application/json")]
                )
                #expect(sheet.status == 413 && sheet.slug == "too-many-pixels", "\(sheet.text.prefix(300))")
                #expect(sheet.json["limit"] as? Int == 16383 && (sheet.json["actual"] as? Int ?? 0) > 16383)
                #expect(try await client.post("/decode?layout=sheet", many).status == 200)
            }
        }
    }
}
