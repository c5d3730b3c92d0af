// SPDX-License-Identifier: Apache-2.0

import Foundation
import Service
import Testing

/// Where settings come from, which source wins, and what is refused.
@Suite struct SettingsTests {
    private func merging(
        flags: [String] = [],
        environment: [String: String] = [:],
        file: String? = nil
    ) throws -> ServiceConfiguration {
        let path = NSTemporaryDirectory() + "/uae-settings-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        if let file { try file.write(toFile: path, atomically: false, encoding: .utf8) }
        return try ServiceConfiguration.merging(
            flags: try Setting.flags(flags),
            environment: environment,
            file: file == nil ? nil : path
        )
    }

    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func flagBeatsEnvironmentBeatsFileBeatsDefault() throws {
        let (flags, environment, file) = (
            ["--port", "1"], ["UAE_PORT": "2", "UAE_HOST": "::1"], "port: 3\nhost: a\nhead: h"
        )
        let merged = try merging(flags: flags, environment: environment, file: file)
        #expect(merged.port == 1)
        #expect(merged.host == "::1")
        #expect(merged.head == "h")
        #expect(merged.maxBatchSize == 8)
        #expect(try merging(environment: environment, file: file).port == 2)
        #expect(try merging(file: file).port == 3)
        #expect(try merging().port == 8080)
    }

    @Test func flagsTakeTheirValueAfterASpaceOrAnEqualsSign() throws {
        #expect(
            try Setting.flags(["--port=1", "--host", "--odd", "--cors-origins=a=b"]) == [
                "port": "1", "host": "--odd", "cors-origins": "a=b",
            ]
        )
    }

    @Test(arguments: [
        (["--no-such-thing", "1"], "'--no-such-thing' is not a setting; see 'uae serve --help'"),
        (["--no-such-thing=1"], "'--no-such-thing=1' is not a setting; see 'uae serve --help'"),
        (["port"], "'port' is not a setting; see 'uae serve --help'"),
        (["--port"], "--port needs a value"),
        (["--port", "1", "--port=2"], "--port is given twice"),
        (["--port", "65536"], "--port: expected an integer from 0 to 65535, got '65536'"),
        (["--threads", "0"], "--threads: expected auto or an integer from 1 to 1024, got '0'"),
        (["--log-format", "xml"], "--log-format: expected text, json, got 'xml'"),
        (
            ["--max-key-requests-per-minute", "1"],
            "--max-key-requests-per-minute: expected 0 or an integer from 2 to 6000000, got '1'"
        ),
    ])
    func aWrongFlagIsNamed(flags: [String], expected: String) {
        #expect(message { _ = try merging(flags: flags) } == expected)
    }

    @Test func aWrongValueIsNamedAsItsSourceSpellsIt() {
        let expected = "expected milliseconds from 0 to 10000, got 'soon'"
        #expect(
            message { _ = try merging(environment: ["UAE_MAX_BATCH_DELAY_MS": "soon"]) }
                == "UAE_MAX_BATCH_DELAY_MS: \(expected)"
        )
        #expect(message { _ = try merging(file: "max-batch-delay-ms: soon") } == "max-batch-delay-ms: \(expected)")
        #expect(
            message { _ = try merging(file: "port: [1]") }
                == "port: expected one value, got 'a list or mapping'"
        )
    }

    @Test(arguments: [
        ("prot: 1", "there is no setting 'prot'"), ("- port", "holds no 'name: value' lines"),
        ("port: [", "cannot be read as YAML"),
    ])
    func aFileThatCannotBeUsedIsNamed(text: String, expected: String) {
        #expect(message { _ = try merging(file: text) }.hasSuffix(expected))
    }

    @Test func theEffectiveSettingsAreAFileWithTheSameMeaning() throws {
        let merged = try merging(flags: ["--host", "a\"b", "--cors-origins", "https://a.example, *", "--threads", "3"])
        #expect(try merging(file: merged.text).text == merged.text)
        let defaults = try merging()
        #expect(try merging(file: defaults.text).text == defaults.text)
    }

    @Test func threadsAcceptAuto() throws {
        #expect(try merging(flags: ["--threads", "auto"], environment: ["UAE_THREADS": "2"]).threads == nil)
        #expect(try merging(environment: ["UAE_THREADS": "auto"], file: "threads: 3").threads == nil)
        #expect(try merging(file: "threads: auto").threads == nil)
        #expect(try merging(file: "threads: 3").threads == 3)
    }
}
