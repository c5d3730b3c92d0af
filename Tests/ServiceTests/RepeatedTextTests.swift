// SPDX-License-Identifier: Apache-2.0

import Fixtures
import Foundation
import Logging
import Service
import Testing

extension ServiceTests {
    /// What a caller's own text becomes in responses and logs: bounded in bytes, and without control characters.
    @Suite struct RepeatedTextTests {
        private let image: [UInt8]
        private let base64: String
        private let formType = [("Content-Type", "multipart/form-data; boundary=b")]
        /// One character of more than the given number of bytes.
        private static func character(_ bytes: Int) -> String { "e" + String(repeating: "\u{301}", count: bytes / 2) }

        init() throws {
            image = try Fixtures.bytes("golden/dinov2/chelsea.png")
            base64 = Data(image).base64EncodedString()
        }

        private func json(_ text: String) -> [UInt8] { Array(text.utf8) }

        private func form(_ parts: [(parameters: String, body: [UInt8])]) -> [UInt8] {
            parts.flatMap { part in
                Array("--b\r\nContent-Disposition: form-data; \(part.parameters)\r\n\r\n".utf8) + part.body
                    + Array("\r\n".utf8)
            } + Array("--b--\r\n".utf8)
        }

        private func checkProblem(_ response: TestClient.Response, at location: SourceLocation = #_sourceLocation) {
            #expect((400...499).contains(response.status), sourceLocation: location)
            #expect(response.body.count <= 4096, "\(response.text.utf8.prefix(200))", sourceLocation: location)
            let isControl = { (scalar: Unicode.Scalar) in scalar.properties.generalCategory == .control }
            #expect(!response.text.unicodeScalars.contains(where: isControl), sourceLocation: location)
            #expect(response.slug != nil, sourceLocation: location)
        }

        @Test func problemsAreBoundedInBytes() async throws {
            let long = Self.character(3000)
            let huge = Self.character(1_000_000)
            try await TestService.run { client in
                let input = "\"inputs\":[{\"b64\":\"\(base64)\"}]"
                for body in [
                    "{\(input),\"\(long)\":1}", "{\(input),\"\(long)\":{}}", "{\(input),\"keep\":\"\(long)\"}",
                    "{\(input),\"layout\":\"\(long)\"}", "{\"\(long)\":[[]]}", "{\"\(long)\":1,\"\(long)\":2}",
                    "{\"inputs\":[{\"\(long)\":1}]}", "{\"inputs\":[{\"id\":\"\(long)\",\"b64\":\"\(base64)\"}]}",
                    "{\"inputs\":[{\"id\":\"\(huge)\",\"b64\":\"\(base64)\"}]}", "{\(input),\"keep\":\"\(huge)\"}",
                    "{\(input),\"keep\":\"\\u001b[2J\\r\\n\"}", "{\(input),\"\\u001b\\u0000\":1}",
                ] {
                    checkProblem(try await client.post("/encode", json(body)))
                }
                for parts in [
                    [("name=\"keep\"", json(huge))], [("name=\"\(long)\"", json("1"))],
                    [("name=\"keep\"", [0x1B, 0x5B])],
                ] as [[(parameters: String, body: [UInt8])]] {
                    let body = form(parts + [("name=\"f\"; filename=\"a.png\"", image)])
                    checkProblem(try await client.post("/encode", body, formType))
                }
                // The advice on a file name that was sent in place of the file.
                let name = "a\u{85}b\u{202E}" + Self.character(200) + ".jpg"
                for response in [
                    try await client.post("/encode", json(name)),
                    try await client.post("/encode", form([("name=\"x\"", json(name))]), formType),
                ] {
                    checkProblem(response)
                    #expect(response.text.contains("put @ before") && response.text.contains(#"a\\u{0085}b\\u{202E}"#))
                }
                let encoded = String(repeating: "%CC%81", count: 2000)
                for target in [
                    "/encode?keep=e\(encoded)", "/encode?e\(encoded)=1", "/e\(encoded)", "/info?e\(encoded)=1",
                ] {
                    let response =
                        target.hasPrefix("/encode")
                        ? try await client.post(target, image) : try await client.get(target)
                    if response.status != 200 { checkProblem(response) }
                }
                let coding = try await client.post("/encode", image, [("Content-Encoding", "x" + long)])
                checkProblem(coding)
                for name in ["a\u{1B}[2J", long] {
                    let entry = ZipBuilder.Entry(name + ".npy", image)
                    checkProblem(try await client.post("/decode", ZipBuilder(entries: [entry]).build().bytes))
                }
            }
        }

        @Test(arguments: [
            "\u{1B}[2J", "a\nb", "a\r\nX-Split: y", "\0", "\u{7F}", "\u{85}", "\u{9B}", "\u{2028}", "a\tb",
            String(repeating: "x", count: 1025), character(1026),
        ])
        func anIDThatCouldBreakALineIsRefused(id: String) async throws {
            let text = String(decoding: JSONValue.string(id).text, as: UTF8.self)
            try await TestService.run { client in
                let body = json("{\"inputs\":[{\"id\":\(text),\"b64\":\"\(base64)\"}]}")
                for target in ["/encode", "/decode?on_error=skip"] {
                    let response = try await client.post(target, body)
                    #expect(response.status == 400 && response.slug == "malformed-json", "\(response.text)")
                    checkProblem(response)
                }
                guard !id.contains("\r\n"), !id.contains("\n") else { return }
                let part = form([("name=\"f\"; filename=\"\(id)\"", image)])
                let response = try await client.post("/encode", part, formType)
                #expect(response.status == 400 && response.slug == "malformed-multipart", "\(response.text)")
                checkProblem(response)
            }
        }

        @Test func anIDThatFitsComesBackAsItIs() async throws {
            let longest = String(repeating: "x", count: 1024)
            try await TestService.run { client in
                for id in ["é 日本.png", "a\"b\\c", longest] {
                    let text = String(decoding: JSONValue.string(id).text, as: UTF8.self)
                    let response = try await client.post(
                        "/encode?pool=mean",
                        json("{\"inputs\":[{\"id\":\(text),\"b64\":\"\(base64)\"}]}")
                    )
                    let items = response.json["items"] as? [[String: Any]]
                    #expect(items?.first?["id"] as? String == id, "\(response.text)")
                }
            }
        }

        // Quotes, backslashes and everything but printable ASCII would change the header of a part.
        @Test func headersOfPartsHoldPrintableASCII() async throws {
            let ids = ["a\"; x=\"b", "a\\\\", "é日", "plain name.png"]
            let inputs = ids.map {
                "{\"id\":\(String(decoding: JSONValue.string($0).text, as: UTF8.self)),\"b64\":\"\(base64)\"}"
            }
            try await TestService.run { client in
                let response = try await client.post(
                    "/decode",
                    json("{\"inputs\":[\(inputs.joined(separator: ","))]}"),
                    [("Accept", "multipart/mixed")]
                )
                let lines = response.body.split(separator: 0x0A).filter { $0.starts(with: "Content-Disposition".utf8) }
                    .map { String(decoding: $0.dropLast(), as: UTF8.self) }
                let names = ["a_; x=_b", "a__", "__", "plain name.png"]
                #expect(lines == names.map { "Content-Disposition: inline; name=\"\($0)\"" })
            }
        }

        @Test func pathsInLogsAreBoundedAndEscaped() async throws {
            let log = LogRecorder(level: .info)
            try await TestService.run(logger: log.logger) { client in
                _ = try await client.get("/a%1B%5B2J%0D%0Ab" + String(repeating: "%CC%81", count: 2000))
            }
            let line = try #require(log.lines.first { $0.contains("[2J") })
            #expect(line.utf8.count < 500 && line.contains("/a\\u{1B}[2J\\r\\n"), "\(line)")
        }

        // The plot once blamed `bands`, which no request had given.
        @Test(arguments: ["svg", "json"]) func failedItemsAreReportedForWhatTheyAre(format: String) async throws {
            let latent = [Float](repeating: .greatestFiniteMagnitude, count: 96 * 256).withUnsafeBytes { Data($0) }
            let input = "{\"b64\":\"\(latent.base64EncodedString())\"}"
            try await TestService.run { client in
                let response = try await client.post(
                    "/spectrum?format=\(format)&on_error=skip&shape=96,16,16",
                    json("{\"inputs\":[\(input),\(input)]}")
                )
                #expect(response.status == 422 && response.slug == "tensor-nonfinite", "\(response.text.prefix(300))")
                #expect(response.json["item"] as? String == "0")
            }
        }
    }
}
