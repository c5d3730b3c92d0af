// SPDX-License-Identifier: Apache-2.0

import Fixtures
import Foundation
import Service
import Testing

extension ServiceTests {
    /// The forms of a list of levels, its figures and its bounds.
    @Suite struct LevelsTests {
        private let picture: [UInt8]
        private let base64: String

        init() throws {
            picture = try Fixtures.bytes("golden/dinov2/chelsea.png")
            base64 = Data(picture).base64EncodedString()
        }

        private let isForm = [("Content-Type", "multipart/form-data; boundary=b")]

        /// One photo for each id, and parameters.
        private func form(_ ids: [String], _ parameters: [(String, String)] = []) -> [UInt8] {
            var body: [UInt8] = []
            for (name, value) in parameters {
                body += "--b\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n".utf8
            }
            for id in ids {
                body += "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\(id)\"\r\n\r\n".utf8
                body += picture + Array("\r\n".utf8)
            }
            return body + Array("--b--\r\n".utf8)
        }

        private func json(_ members: String) -> [UInt8] {
            Array("{\"inputs\":[{\"id\":\"a\",\"b64\":\"\(base64)\"}],\(members)}".utf8)
        }

        private static func file(_ member: Any?) -> FileBytes? {
            (member as? String).flatMap { Data(base64Encoded: $0) }.map { FileBytes(bytes: [UInt8]($0)) }
        }

        // MARK: Forms

        @Test func everySpellingIsTheSameList() async throws {
            try await TestService.run { client in
                let singles =
                    [try await client.post("/decode?keep=4", picture).file]
                    + [try await client.post("/decode?keep=16", picture).file]
                for target in ["keep=4,16", "keep=%5B4,16%5D", "keep=4,%2016", "keep=[%204%20,16]"] {
                    let parts = try await client.post("/decode?\(target)", picture).parts()
                    #expect(parts.map(\.file) == singles, "\(target)")
                }
                for list in ["[4,16]", "[4.0,1.6e1]", "\"4,16\"", "\"[4, 16]\""] {
                    let response = try await client.post("/decode", json("\"keep\":\(list)"))
                    let items = try #require(response.json["items"] as? [[String: Any]], "\(response.text.prefix(200))")
                    let levels = try #require(items.first?["levels"] as? [[String: Any]])
                    #expect(levels.map { Self.file($0["data_b64"]) } == singles, "\(list)")
                    #expect(levels.map { $0["keep"] as? Int } == [4, 16])
                    #expect(items.first?["data_b64"] == nil)
                }
                let sent = try await client.post("/decode", form(["a"], [("keep", "4,16")]), isForm)
                #expect(try sent.parts().map(\.file) == singles)
            }
        }

        @Test func bracketsMakeAListOfOne() async throws {
            try await TestService.run { client in
                let single = try await client.post("/decode?keep=4", picture)
                // One image needs no parts.
                let bracketed = try await client.post("/decode?keep=[4]", picture)
                #expect(bracketed.file == single.file && bracketed.fields["content-type"] == "image/png")
                #expect(bracketed.fields["uae-latent"] == single.fields["uae-latent"])
                #expect(bracketed.fields["uae-quality"] == single.fields["uae-quality"])
                for (keep, isList) in [("[4]", true), ("\"[4]\"", true), ("4", false), ("\"4\"", false)] {
                    let response = try await client.post("/decode", json("\"keep\":\(keep)")).json
                    let item = try #require((response["items"] as? [[String: Any]])?.first)
                    let own = isList ? (item["levels"] as? [[String: Any]])?.first : item
                    #expect(Self.file(own?["data_b64"]) == single.file, "\(keep)")
                    #expect((item["levels"] == nil) == !isList && own?["keep"] as? Int == 4)
                }
            }
        }

        @Test func severalItemsComeOneAfterTheOther() async throws {
            try await TestService.run { client in
                let response = try await client.post("/decode?keep=1,9&image_format=jpg", form(["a", "b"]), isForm)
                let parts = try response.parts()
                #expect(parts.map(\.name) == ["a", "a", "b", "b"])
                #expect(
                    parts.map { $0.fields["uae-latent"]?.prefix(7) } == ["keep=1,", "keep=9,", "keep=1,", "keep=9,"]
                )
                #expect(response.fields["uae-latent"] == nil && response.fields["uae-quality"] == nil)
                // Several items without a list have the same figures.
                let plain = try await client.post("/decode?keep=9&image_format=jpg", form(["a", "b"]), isForm)
                #expect(try plain.parts().map(\.file) == [parts[1].file, parts[3].file])
                #expect(
                    try plain.parts().map { $0.fields["uae-latent"] } == [1, 3].map { parts[$0].fields["uae-latent"] }
                )
            }
        }

        // MARK: Figures

        @Test(arguments: [
            ("keep=16", "keep=16, order=zigzag, bytes=6144"), ("keep=0", "keep=0, order=zigzag, bytes=0"),
            ("keep=256", "keep=256, order=zigzag, bytes=98304"), ("", "keep=64, order=zigzag, bytes=24576"),
            ("apply_frequency=false", "keep=256, order=zigzag, bytes=98304"),
            ("keep=16&freq_order=radial&band_mode=high", "keep=16, order=radial, mode=high, bytes=6144"),
            ("keep=16&band_mode=drop_low", "keep=16, order=zigzag, mode=drop_low, bytes=92160"),
            ("keep=64&cutoff_mode=map2d_square", "keep=64, order=zigzag, cutoff=map2d_square, bytes=24576"),
        ])
        func theHeaderSaysWhatTheImageWasDecodedFrom(query: String, header: String) async throws {
            try await TestService.run { client in
                let response = try await client.post("/decode?\(query)", picture)
                #expect(response.fields["uae-latent"] == header)
                let count = try #require(header.components(separatedBy: "bytes=").last.flatMap { Int($0) })
                let document = try await client.post("/decode?\(query)", picture, [("Accept", "application/json")]).json
                let item = try #require((document["items"] as? [[String: Any]])?.first)
                #expect(item["latent_bytes"] as? Int == count)
                #expect("keep=\(try #require(item["keep"] as? Int))," == header.split(separator: " ").first ?? "")
                // As many bytes as the same cut has when it is sent.
                if query == "keep=16" {
                    let sent = try await client.post("/encode?layout=freq_tokens&keep=16", picture)
                    #expect(sent.body.count == count)
                    let shape = try #require(sent.fields["shape"])
                    let decoded = try await client.post("/decode?shape=\(shape)", sent.body)
                    #expect(decoded.fields["uae-latent"] == header)
                }
            }
        }

        @Test func qualityOneIsTakenForPNGAndChangesNothing() async throws {
            try await TestService.run { client in
                for list in ["", "&keep=1,4"] {
                    let plain = try await client.post("/decode?rounding=round\(list)", picture)
                    let asked = try await client.post("/decode?quality=1\(list)", picture)
                    #expect(asked.status == 200 && plain.status == 200)
                    if list.isEmpty {
                        #expect(asked.file == plain.file && asked.fields["uae-quality"] == plain.fields["uae-quality"])
                    } else {
                        #expect(try asked.parts().map(\.file) == plain.parts().map(\.file))
                        #expect(try asked.parts().allSatisfy { $0.fields["uae-quality"]?.hasPrefix("psnr=") == true })
                    }
                    // PNG is PNG in every form of response.
                    for fields in [[], [("Accept", "application/json")]] {
                        let refused = try await client.post("/decode?quality=2\(list)", picture, fields)
                        #expect(refused.status == 400 && refused.json["parameter"] as? String == "quality")
                    }
                }
                // Where files have a quality, 1 is one.
                let worst = try await client.post("/decode?quality=1&image_format=jpg", picture)
                let usual = try await client.post("/decode?image_format=jpg", picture)
                #expect(worst.status == 200 && worst.body.count < usual.body.count / 2)
                #expect(worst.fields["uae-quality"]?.hasPrefix("psnr=") == true)
            }
        }

        // MARK: The input

        @Test func theInputComesFirstAndWithoutLoss() async throws {
            try await TestService.run { client in
                let plain = try await client.post("/decode?keep=4,16&image_format=jpg", picture).parts()
                let parts = try await client.post("/decode?keep=4,16&with_input=true&image_format=jpg", picture).parts()
                #expect(parts.count == 3 && parts.dropFirst().map(\.file) == plain.map(\.file))
                #expect(parts[0].fields["uae-image"] == "input" && parts[0].fields["content-type"] == "image/png")
                #expect(parts[0].fields["uae-latent"] == nil && parts[0].name == parts[1].name)
                // It is what the model sees: as input it is taken as it is, and gives the same images.
                let again = try await client.post("/decode?keep=4,16&preprocess=none&image_format=jpg", parts[0].body)
                #expect(try again.parts().map(\.file) == plain.map(\.file))
                let document = try await client.post("/decode", json("\"keep\":[4],\"with_input\":true")).json
                let item = try #require((document["items"] as? [[String: Any]])?.first)
                let input = try #require(item["input"] as? [String: Any])
                #expect(Self.file(input["data_b64"]) == parts[0].file)
                #expect(input["content_type"] as? String == "image/png")
                // Without a list too.
                let single = try await client.post("/decode?with_input=1", picture).parts()
                #expect(single.map { $0.fields["uae-image"] } == ["input", nil])
                #expect(single[0].file == parts[0].file)
                #expect(try await client.post("/decode", picture).file == single[1].file)
            }
        }

        @Test func aLatentHasNoInputToReturn() async throws {
            try await TestService.run { client in
                let latent = try await client.post("/encode?format=npy", picture).body
                for query in ["with_input=true", "with_input=true&keep=1,4"] {
                    let refused = try await client.post("/decode?\(query)", latent)
                    #expect(refused.status == 400 && refused.json["parameter"] as? String == "with_input")
                }
                #expect(try await client.post("/decode?with_input=false", latent).status == 200)
                let inputs = "{\"b64\":\"\(base64)\"},{\"b64\":\"\(Data(latent).base64EncodedString())\"}"
                let both = "{\"inputs\":[\(inputs)],\"with_input\":true,\"keep\":[4],\"on_error\":\"skip\"}"
                let skipped = try await client.post("/decode", Array(both.utf8)).json
                let items = try #require(skipped["items"] as? [[String: Any]])
                #expect(items.map { $0["status"] as? Int } == [200, 400] && items[0]["input"] != nil)
            }
        }

        // MARK: Refusals

        @Test(arguments: [
            "4,,5", "[", "]", "[]", ",", "4,", ",4", "[4", "4]", "[[4]]", "4,x", "4,1.5", "4;5,6", "4,+5", "-1,4",
            "4,-1",
            "4,257", "4,99999999999999999999", "[-1]", "[257]",
        ])
        func listsThatAreNone(list: String) async throws {
            try await TestService.run { client in
                let spelled = list.replacing("+", with: "%2B").replacing(";", with: "%3B")
                let refused = try await client.post("/decode?keep=\(spelled)", picture)
                #expect(refused.status == 400 && refused.slug == "bad-parameter", "\(refused.text)")
                #expect(refused.json["parameter"] as? String == "keep")
                let sent = try await client.post("/decode", form(["a"], [("keep", list)]), isForm)
                #expect(sent.status == 400 && sent.json["parameter"] as? String == "keep", "\(sent.text)")
                let text = try await client.post("/decode", json("\"keep\":\"\(list)\""))
                #expect(text.status == 400 && text.json["parameter"] as? String == "keep", "\(text.text)")
            }
        }

        @Test func arraysThatAreNoLists() async throws {
            try await TestService.run { client in
                for (array, slug) in [
                    ("[1.5]", "bad-parameter"), ("[]", "bad-parameter"), ("[-1]", "bad-parameter"),
                    ("[1,257]", "bad-parameter"), ("[\"4\"]", "malformed-json"), ("[[4]]", "malformed-json"),
                    ("[4,null]", "malformed-json"), ("[true]", "malformed-json"), ("{\"a\":1}", "malformed-json"),
                ] {
                    let refused = try await client.post("/decode", json("\"keep\":\(array)"))
                    #expect(refused.status == 400 && refused.slug == slug, "\(array): \(refused.text)")
                }
                let empty = try await client.post("/decode", json("\"keep\":[]")).text
                #expect(empty.contains("integers from 0 to 256 separated by commas, got '[]'."), "\(empty)")
                let twice = try await client.post("/decode?keep=1&keep=4", picture).text
                #expect(twice.contains("send one value, for a list one such as 1,4,16."), "\(twice)")
            }
        }

        @Test func onlyDecodeTakesAList() async throws {
            try await TestService.run { client in
                for operation in ["encode", "spectrum", "classify"] {
                    for body in [picture, json("\"keep\":[1,4]"), json("\"keep\":[4]")] {
                        let query = body == picture ? "?keep=1,4" : ""
                        let refused = try await client.post("/\(operation)\(query)", body)
                        #expect(refused.status == 400 && refused.json["parameter"] as? String == "keep")
                        #expect(refused.text.contains("only /decode takes a list"), "\(refused.text)")
                    }
                }
                let conflict = try await client.post("/decode?keep=1,4&apply_frequency=false", picture)
                #expect(conflict.status == 400 && conflict.json["parameter"] as? String == "apply_frequency")
            }
        }

        @Test func itemsTimesLevelsAreBounded() async throws {
            try await TestService.run(settings: TestService.settings { $0.maxClientItems = 6 }) { client in
                let levels = Array(repeating: "1", count: 6).joined(separator: ",")
                #expect(try await client.post("/decode?keep=\(levels)", picture).parts().count == 6)
                #expect(try await client.post("/decode?keep=1,2,3", form(["a", "b"]), isForm).parts().count == 6)
                let cases: [(String, [UInt8], Int)] = [
                    ("\(levels),1", picture, 7), ("1,2,3,4", form(["a", "b"]), 8),
                    (Array(repeating: "1", count: 1000).joined(separator: ","), picture, 1000),
                ]
                for (list, body, count) in cases {
                    let refused = try await client.post("/decode?keep=\(list)", body, body == picture ? [] : isForm)
                    #expect(refused.status == 413 && refused.slug == "too-many-items", "\(refused.text)")
                    #expect(refused.json["limit"] as? Int == 6 && refused.json["actual"] as? Int == count)
                }
            }
        }
    }
}
