// SPDX-License-Identifier: Apache-2.0

import Fixtures
import Foundation
import Testing

extension ServiceTests {
    /// The forms of JSON and of multipart bodies that clients send, rightly or nearly so.
    @Suite struct InputFormsTests {
        private let image: [UInt8]
        private let base64: String
        private let formType = [("Content-Type", "multipart/form-data; boundary=b")]

        init() throws {
            image = try Fixtures.bytes("golden/dinov2/chelsea.png")
            base64 = Data(image).base64EncodedString()
        }

        private func json(_ text: String) -> [UInt8] { Array(text.utf8) }

        /// Parts with the headers given, without the blank line.
        private func form(_ parts: [(head: String, body: [UInt8])]) -> [UInt8] {
            parts.flatMap { part in
                Array("--b\r\n\(part.head)\r\n\r\n".utf8) + part.body + Array("\r\n".utf8)
            } + Array("--b--\r\n".utf8)
        }

        private func disposition(_ parameters: String) -> String { "Content-Disposition: form-data; \(parameters)" }

        @Test func aSingleItemThatFailsIsNamed() async throws {
            let broken = Array(image.prefix(5000))
            try await TestService.run { client in
                let input = "{\"inputs\":[{\"id\":\"q\",\"b64\":\"\(Data(broken).base64EncodedString())\"}]}"
                let file = form([(disposition("name=\"file\"; filename=\"q\""), broken)])
                for (body, fields, item) in [(json(input), [], "q"), (file, formType, "q"), (broken, [], "0")] {
                    let response = try await client.post("/encode", body, fields)
                    #expect(response.status == 422 && response.json["item"] as? String == item, "\(response.text)")
                }
            }
        }

        // MARK: JSON

        @Test(arguments: ["5", "5.0", "5e0", "5E0", "50e-1", "0.5e1", "5.000", "500.0e-2", "5e+0", "0.00005e5"])
        func numbersThatAreIntegersAreTakenAsSuch(number: String) async throws {
            try await TestService.run { client in
                let expected = try await client.post("/encode?keep=5&format=json", image)
                let body = json("{\"inputs\":[{\"b64\":\"\(base64)\"}],\"keep\":\(number)}")
                let response = try await client.post("/encode", body)
                #expect(response.status == 200 && response.text == expected.text, "\(response.text.prefix(300))")
            }
        }

        @Test(arguments: ["1.5", "1e400", "1e30", "-1.0", "257.0", "1e-1", "0.1e0", "1e99999999999999999999"])
        func numbersThatAreNoIntegersInRangeAreRefused(number: String) async throws {
            try await TestService.run { client in
                let body = json("{\"inputs\":[{\"b64\":\"\(base64)\"}],\"keep\":\(number)}")
                let response = try await client.post("/encode", body)
                #expect(response.status == 400 && response.slug == "bad-parameter", "\(response.text)")
                #expect(response.json["allowed"] as? String == "an integer from 0 to 256")
            }
        }

        @Test func filesFromTheFieldGiveWhatTheyShould() async throws {
            try await TestService.run(model: TestService.defaultModel) { client in
                let type = [("Content-Type", "application/json")]
                for name in ["top_k_1.0.json", "bom.json"] {
                    let response = try await client.post("/classify", try Fixtures.bytes("requests/\(name)"), type)
                    #expect(response.status == 200, "\(name): \(response.text)")
                }
                let empty = try await client.post("/classify", try Fixtures.bytes("requests/empty_b64.json"), type)
                #expect(empty.status == 422 && empty.json["item"] as? String == "0", "\(empty.text)")
                #expect((empty.json["detail"] as? String)?.contains("is empty") == true)
                let form = [("Content-Type", "multipart/form-data; boundary=XbX")]
                let body = try Fixtures.bytes("requests/empty_file_input.body")
                let skipped = try await client.post("/classify", body, form)
                #expect(skipped.status == 200 && (skipped.json["items"] as? [Any])?.count == 1, "\(skipped.text)")
            }
        }

        @Test func aByteOrderMarkIsSkipped() async throws {
            try await TestService.run { client in
                let body = json("\u{FEFF} {\"inputs\":[{\"b64\":\"\(base64)\"}]}")
                for fields in [[], [("Content-Type", "application/json; charset=utf-8")]] {
                    #expect(try await client.post("/encode", body, fields).status == 200)
                }
                let broken = try await client.post("/encode", json("\u{FEFF}{\"inputs\":x"))
                #expect(broken.slug == "malformed-json" && broken.json["offset"] as? Int == 13)
            }
        }

        @Test(arguments: [String.Encoding.utf16, .utf16LittleEndian, .utf16BigEndian])
        func otherEncodingsAreNamed(encoding: String.Encoding) async throws {
            let body = try #require("{\"inputs\":[]}".data(using: encoding))
            try await TestService.run { client in
                let response = try await client.post("/encode", [UInt8](body))
                #expect(response.status == 415 && response.text.contains("UTF-16; send it in UTF-8"))
            }
        }

        @Test(arguments: [
            ("{\"input\":[{\"b64\":\"AAAA\"}]}", "'input' is not a member of a request; did you mean 'inputs'?"),
            ("{\"keep\":3,\"inptus\":[{\"b64\":\"AAAA\"}]}", "'inptus' is not a member"),
            ("{\"Inputs\":[]}", "did you mean 'inputs'?"), ("{\"images\":[\"AAAA\"]}", "'images' is not a member"),
            ("{\"image\":\"AAAA\"}", "'image' is not a member"),
            ("{\"b64\":\"AAAA\"}", "'b64' is a member of an input"),
            ("{\"id\":\"a\",\"b64\":\"AAAA\"}", "'id' is a member of an input"),
            ("{\"keep\":3}", "The body needs a member 'inputs'"), ("{}", "The body needs a member 'inputs'"),
            ("{\"inputs\":{\"b64\":\"AAAA\"}}", "'inputs' is an object; it must be an array"),
            ("{\"inputs\":\"AAAA\"}", "'inputs' is a string"), ("{\"inputs\":null}", "'inputs' is null"),
            ("{\"inputs\":[]}", "'inputs' is empty"),
            ("{\"inputs\":[{\"b64\":\"AAAA\"},\"AAAA\"]}", "Input 1 is a string"),
            ("{\"inputs\":[{}]}", "Input 0 has no 'b64'"),
            ("{\"inputs\":[{\"b64\":1}]}", "'b64' of input 0 is a number"),
            ("{\"inputs\":[{\"b64\":\"AAAA\",\"id\":[]}]}", "'id' of input 0 is an array"),
            ("{\"inputs\":[{\"data\":\"AAAA\"}]}", "Unexpected member 'data' of input 0"),
            ("{\"inputs\":[{\"b64\":\"data:image/png,AAAA\"}]}", "a data: URI without ';base64'"),
            ("{\"inputs\":[{\"b64\":\"data:image/png;base64\"}]}", "a data: URI without ';base64'"),
            ("{\"inputs\":[{\"b64\":\"data:;base64,A A\"}]}", "'b64' is not base64"),
        ])
        func mistakesAreNamed(body: String, text: String) async throws {
            try await TestService.run { client in
                let response = try await client.post("/encode", json(body), [("Content-Type", "application/json")])
                #expect(response.status == 400 && response.slug == "malformed-json", "\(response.text)")
                #expect((response.json["detail"] as? String)?.contains(text) == true, "\(response.text)")
                #expect(response.json["offset"] is Int)
            }
        }

        @Test(arguments: [
            ("[{\"b64\":\"AAAA\"}]", "The JSON is an array; send an object"), (" \"AAAA\"", "The JSON is a string"),
            ("null", "The JSON is no object"),
        ])
        func jsonThatIsNoObjectIsNamed(body: String, text: String) async throws {
            try await TestService.run { client in
                let response = try await client.post("/encode", json(body), [("Content-Type", "application/json")])
                #expect(response.status == 415 && response.text.contains(text), "\(response.text)")
            }
        }

        @Test func everySpellingOfBase64IsTaken() async throws {
            try await TestService.run { client in
                let expected = try await client.post("/encode", json("{\"inputs\":[{\"b64\":\"\(base64)\"}]}"))
                #expect(base64.contains("+") && base64.contains("/"))
                let unpadded = base64.replacingOccurrences(of: "=", with: "")
                let urlSafe = base64.replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
                for text in [
                    unpadded, urlSafe, urlSafe.replacingOccurrences(of: "=", with: ""),
                    "data:image/png;base64,\(base64)",
                    "DATA:;BASE64,\(unpadded)", "data:image\\/png;charset=x;base64,\(urlSafe)",
                    "data:;base64,\(base64)",
                ] {
                    let response = try await client.post("/encode", json("{\"inputs\":[{\"b64\":\"\(text)\"}]}"))
                    #expect(response.status == 200 && response.text == expected.text, "\(text.prefix(40))")
                }
            }
        }

        // Images of three lengths, so that each kind of padding is left out once.
        @Test(arguments: 0..<3) func anyPaddingMayBeLeftOut(extra: Int) async throws {
            // Zeros after the image's end are not looked at.
            let file = Data(image + [UInt8](repeating: 0, count: extra))
            let text = file.base64EncodedString().replacingOccurrences(of: "=", with: "")
            try await TestService.run { client in
                let expected = try await client.post("/encode", [UInt8](file))
                let response = try await client.post(
                    "/encode?format=raw",
                    json("{\"inputs\":[{\"b64\":\"\(text)\"}]}")
                )
                #expect(response.body == expected.body)
            }
        }

        // MARK: Empty files

        @Test func anEmptyFileIsCalledEmpty() async throws {
            let bodies: [([UInt8], [(String, String)], String)] = [
                (json("{\"inputs\":[{\"id\":\"a\",\"b64\":\"\"}]}"), [], "a"),
                (json("{\"inputs\":[{\"b64\":\"data:image/png;base64,\"}]}"), [], "0"),
                (form([(disposition("name=\"f\"; filename=\"a.png\""), [])]), formType, "a.png"),
                (form([(disposition("name=\"f\"") + "\r\nContent-Type: image/png", [])]), formType, "f"),
            ]
            try await TestService.run { client in
                for (body, fields, item) in bodies {
                    let response = try await client.post("/encode", body, fields)
                    #expect(response.status == 422 && response.slug == "image-undecodable", "\(response.text)")
                    #expect(response.json["item"] as? String == item && response.text.contains("The file is empty."))
                }
                // Without a name it is what a browser sends for a file input that was left alone.
                let left = (
                    disposition("name=\"f\"; filename=\"\"") + "\r\nContent-Type: application/octet-stream", [UInt8]()
                )
                let beside = form([left, (disposition("name=\"f\"; filename=\"a.png\""), image)])
                let response = try await client.post("/encode", beside, formType)
                #expect(response.status == 200 && response.fields["shape"] == "[1,96,16,16]", "\(response.text)")
                let alone = try await client.post("/encode", form([left]), formType)
                #expect(alone.status == 415 && alone.text.contains("The form has no file."))
            }
        }

        // MARK: Parts

        @Test func aPartNeedsOneDisposition() async throws {
            let good = disposition("name=\"f\"; filename=\"a.png\"")
            try await TestService.run { client in
                for (head, text, offset) in [
                    ("Content-Type: image/png", "A part has no Content-Disposition", 5),
                    (good + "\r\n" + good, "A part has two Content-Disposition headers", 65),
                ] {
                    let response = try await client.post("/encode", form([(head, image)]), formType)
                    #expect(response.status == 400 && response.slug == "malformed-multipart", "\(response.text)")
                    #expect(
                        response.text.contains(text) && response.json["offset"] as? Int == offset,
                        "\(response.text)"
                    )
                }
            }
        }

        @Test(arguments: [
            "image/png", "IMAGE/JPEG", "image/x-anything; q=1", "application/octet-stream", "application/x-npy",
            "text/plain",
        ])
        func aPartOfAFilesTypeIsAnItemWithoutAFilename(type: String) async throws {
            let body = form([
                (disposition("name=\"photo\"") + "\r\nContent-Type: \(type)", image),
                (disposition("name=\"keep\"") + "\r\nContent-Type: text/plain", json("36")),
            ])
            // Not recognised by its bytes, so that the type alone decides.
            let unknown = form([(disposition("name=\"photo\"") + "\r\nContent-Type: \(type)", [0xFF, 1, 2])])
            try await TestService.run { client in
                let response = try await client.post("/encode", body, formType)
                #expect(response.body == (try await client.post("/encode?keep=36", image).body), "\(response.text)")
                let refused = try await client.post("/encode", unknown, formType)
                let isFile = type != "text/plain"
                #expect(refused.slug == (isFile ? "unsupported-media" : "malformed-multipart"), "\(refused.text)")
                #expect(refused.json["item"] as? String == (isFile ? "photo" : nil))
            }
        }

        // A parameter whose text begins like JSON is no file.
        @Test func aParameterIsReadAsAParameter() async throws {
            let body = form([
                (disposition("name=\"f\"; filename=\"a.png\""), image), (disposition("name=\"keep\""), json("{36}")),
            ])
            try await TestService.run { client in
                let response = try await client.post("/encode", body, formType)
                #expect(response.slug == "bad-parameter" && response.json["parameter"] as? String == "keep")
            }
        }
    }
}
