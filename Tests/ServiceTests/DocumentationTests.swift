// SPDX-License-Identifier: Apache-2.0

import Fixtures
import Foundation
import Logging
import Service
import Testing

extension ServiceTests {
    /// Lists that the documentation promises, against the service.
    @Suite struct DocumentationTests {
        /// The rows of the table below a heading of docs/operations.md, whose header row begins with `first`.
        private func table(_ heading: String, _ first: String) throws -> [[String]] {
            let path = Fixtures.repository.appending(path: "docs/operations.md")
            let text = try String(contentsOf: path, encoding: .utf8)
            let section = try #require(text.components(separatedBy: "\n## ").first { $0.hasPrefix(heading + "\n") })
            let lines = section.split(separator: "\n", omittingEmptySubsequences: false)
            let start = try #require(lines.firstIndex { $0.hasPrefix("| \(first) |") })
            return lines[(start + 2)...].prefix { $0.hasPrefix("|") }.map { line in
                line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false)
                    .map { $0.trimmingCharacters(in: .whitespaces) }
            }
        }

        /// The code spans of a cell.
        private func names(_ cell: String) -> [String] {
            cell.split(separator: "`", omittingEmptySubsequences: false).enumerated()
                .filter { $0.offset % 2 == 1 }.map { String($0.element) }
        }

        @Test func theMetricsAreThoseOfThePage() async throws {
            let rows = try table("Metrics", "metric")
            let documented = try rows.map { row in
                try #require(row.count == 4, "\(row)")
                return "\(names(row[0]).joined()) \(row[1]) \(names(row[2]).sorted())"
            }
            let photo = try Fixtures.bytes("golden/dinov2/chelsea.png")
            try await TestService.run { client in
                // Every family has a sample.
                _ = try await client.post("/encode", photo)
                _ = try await client.send(Array("GET / HTTP/1.1\r\n\r\n".utf8))
                let page = try await client.get("/metrics").text
                var types: [String: String] = [:]
                var labels: [String: Set<String>] = [:]
                for line in page.split(separator: "\n") {
                    if line.hasPrefix("# TYPE ") {
                        let words = line.split(separator: " ")
                        types[String(words[2])] = String(words[3])
                    } else if !line.hasPrefix("#") {
                        var name = String(line.prefix { $0 != "{" && $0 != " " })
                        for suffix in ["_bucket", "_sum", "_count"] where types[name] == nil {
                            if name.hasSuffix(suffix) { name.removeLast(suffix.count) }
                        }
                        let pairs = line.matches(of: /(\w+)="/).map { String($0.output.1) }.filter { $0 != "le" }
                        labels[name, default: []].formUnion(pairs)
                    }
                }
                #expect(Set(types.keys) == Set(labels.keys), "every family has a type and a sample")
                let served = types.map { "\($0.key) \($0.value) \((labels[$0.key] ?? []).sorted())" }
                #expect(Set(served).subtracting(documented) == [], "served and not documented")
                #expect(Set(documented).subtracting(served) == [], "documented and not served")
                #expect(documented.count == served.count)
            }
        }

        @Test func theSettingsAreThoseOfTheCommand() throws {
            let documented = try table("Settings", "name").flatMap { names($0[0]) }
            let settings = Setting.all.map(\.name)
            #expect(Set(settings).subtracting(documented) == [], "not documented")
            #expect(Set(documented).subtracting(settings) == [], "no setting")
        }

        @Test func theMembersOfARequestsLogLineAreThoseOfTheLog() async throws {
            let documented = try table("Logs", "name").flatMap { names($0[0]) }
            let log = LogRecorder(level: .info)
            try await TestService.run(logger: log.logger) { client in _ = try await client.get("/nothing") }
            let metadata = try #require(log.events.first { $0.message == "request" }?.metadata)
            #expect(Set(metadata.keys) == Set(documented))
        }
    }
}
