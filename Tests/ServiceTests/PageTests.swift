// SPDX-License-Identifier: Apache-2.0

import Checksums
import Fixtures
import Foundation
import Service
import Testing

extension ServiceTests {
    /// The page at `/` and its photographs: headers, caching, and what the page may contain.
    @Suite struct PageTests {
        private static let samples = ["cat", "coffee", "rocket", "astronaut"].map { "/samples/\($0).jpg" }

        /// The contents of all elements of a name, and how many tags begin it, with attributes or without.
        private func elements(_ name: String, of page: String) throws -> (contents: [String], tags: Int) {
            let pattern = try Regex("<\(name)>([\\s\\S]*?)</\(name)>", as: (Substring, Substring).self)
            return (
                page.matches(of: pattern).map { String($0.output.1) },
                page.lowercased().components(separatedBy: "<\(name)").count - 1
            )
        }

        private func base64SHA256(_ text: String) -> String {
            let digits = Array(Array(text.utf8).withUnsafeBytes { sha256Hexadecimal(of: $0) })
            let bytes = stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0...($0 + 1)]), radix: 16) }
            return Data(bytes.compactMap { $0 }).base64EncodedString()
        }

        @Test func thePolicyAllowsTheScriptAndTheStyleOfThePageAlone() async throws {
            try await TestService.run { client in
                let page = try await client.get("/")
                let script = try elements("script", of: page.text)
                let style = try elements("style", of: page.text)
                #expect(page.status == 200 && page.fields["content-type"] == "text/html; charset=utf-8")
                try #require(script.contents.count == 1 && script.tags == 1)
                try #require(style.contents.count == 1 && style.tags == 1)
                let expected = """
                    default-src 'none'; \
                    script-src 'sha256-\(base64SHA256(script.contents[0]))'; \
                    style-src 'sha256-\(base64SHA256(style.contents[0]))'; \
                    img-src 'self' blob: data:; media-src blob: mediastream:; connect-src 'self'; base-uri 'none'; \
                    form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'
                    """
                #expect(page.fields["content-security-policy"] == expected)
                #expect(page.fields["x-content-type-options"] == "nosniff")
                #expect(page.fields["referrer-policy"] == "no-referrer")
                #expect(page.fields["permissions-policy"] == "camera=(self), geolocation=(), microphone=()")
            }
        }

        /// What the policy would refuse, what leaves this server, and a page that grows without anyone noticing.
        @Test func thePageIsSmallAndLoadsNothingElse() async throws {
            try await TestService.run { client in
                let page = try await client.get("/")
                #expect(page.body.count < 80_000)
                // Hashes are of the text with LF alone, as browsers read it.
                #expect(!page.text.contains("\r"))
                // Names in XML are no addresses.
                let text = page.text.replacing("http://www.w3.org/2000/svg", with: "")
                for refused in [
                    "http://", "https://", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
                    "new Function", "setAttribute('style'", "srcdoc", "javascript:", "import(", "console.", "@import",
                ] {
                    #expect(!text.contains(refused), "\(refused)")
                }
                let markup = try text.replacing(Regex("<(script|style)>[\\s\\S]*?</"), with: "")
                let attributes = try markup.matches(of: Regex("<[^>]*\\s(on[a-z]+|style)\\s*=")).map { $0.range }
                #expect(attributes.isEmpty, "\(attributes.map { markup[$0] })")
            }
        }

        @Test func samplesAreSmallPhotographs() async throws {
            try await TestService.run { client in
                for target in Self.samples {
                    let sample = try await client.get(target)
                    #expect(sample.status == 200 && sample.fields["content-type"] == "image/jpeg", "\(target)")
                    #expect(sample.fields["cache-control"] == "public, max-age=86400")
                    #expect((20_000..<45_000).contains(sample.body.count), "\(target)")
                    let encoded = try await client.post("/encode", sample.body)
                    #expect(encoded.status == 200, "\(target) \(encoded.text)")
                }
                for target in ["/samples", "/samples/", "/samples/dog.jpg", "/samples/cat.png", "/samples/../cat.jpg"] {
                    #expect(try await client.get(target).slug == "not-found", "\(target)")
                }
            }
        }

        @Test func aKnownVersionIsNotSentAgain() async throws {
            try await TestService.run { client in
                for target in ["/"] + Self.samples {
                    let full = try await client.get(target)
                    let tag = try #require(full.fields["etag"])
                    for known in [tag, "W/\(tag)", "\"other\", \(tag)", "\"other\" ,W/\(tag),\"more\"", "*"] {
                        let response = try await client.get(target, [("If-None-Match", known)])
                        #expect(response.status == 304 && response.body.isEmpty, "\(target) \(known)")
                        #expect(response.fields["content-length"] == nil && response.fields["content-type"] == nil)
                        for name in ["etag", "cache-control", "content-security-policy"] {
                            #expect(response.fields[name] == full.fields[name], "\(target) \(name)")
                        }
                    }
                    for other in ["\"other\"", String(tag.dropFirst().dropLast()), ""] {
                        let response = try await client.get(target, [("If-None-Match", other)])
                        #expect(response.status == 200 && response.body == full.body, "\(target) \(other)")
                    }
                    let twice = [("If-None-Match", "\"other\""), ("If-None-Match", tag)]
                    #expect(try await client.get(target, twice).status == 304, "\(target)")
                }
            }
        }

        @Test func headHasTheHeadersOfGetAndOtherMethodsAreRefused() async throws {
            try await TestService.run { client in
                for target in ["/"] + Self.samples {
                    let get = try await client.get(target)
                    let head = try await client.exchange("HEAD", target, [], nil)
                    #expect(head.status == 200 && head.body.isEmpty, "\(target)")
                    for name in ["content-length", "content-type", "etag", "cache-control", "content-security-policy"] {
                        #expect(head.fields[name] == get.fields[name], "\(target) \(name)")
                    }
                    let post = try await client.post(target, [1])
                    #expect(post.status == 405 && post.slug == "method-not-allowed", "\(target)")
                    #expect(post.fields["allow"] == "GET, HEAD, OPTIONS", "\(target)")
                }
            }
        }

        @Test func noKeyIsNeeded() async throws {
            let path = FileManager.default.temporaryDirectory.appending(path: "uae-keys-\(UUID().uuidString)").path()
            try Data("a-key\n".utf8).write(to: URL(filePath: path))
            defer { try? FileManager.default.removeItem(atPath: path) }
            try await TestService.run(settings: TestService.settings { $0.apiKeyFile = path }) { client in
                for (target, status) in [("/info", 401), ("/", 200)] + Self.samples.map({ ($0, 200) }) {
                    let response = try await client.get(target)
                    #expect(response.status == status, "\(target)")
                }
            }
        }
    }
}
