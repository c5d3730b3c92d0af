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

    /// A script whose own variable is not set must not start a service without keys, or on TCP instead of a socket.
    @Test(arguments: Setting.all)
    func anEmptyFlagOrVariableIsRefused(setting: Setting) {
        let expected = "is empty; leave it out for the default"
        #expect(message { _ = try merging(environment: [setting.variable: ""]) } == "\(setting.variable) \(expected)")
        #expect(message { _ = try merging(flags: ["--\(setting.name)="]) } == "--\(setting.name) \(expected)")
    }

    @Test(arguments: [
        "https://a.example/", "https://a.example/path", "https://*.a.example", "https://me@a.example", "a.example",
        "://a", "https://", "https://a example",
    ])
    func anOriginThatNoBrowserSendsIsRefused(origin: String) {
        #expect(message { _ = try merging(flags: ["--cors-origins", origin]) }.hasSuffix("got '\(origin)'"))
    }

    @Test func originsAreInLowerCaseAsBrowsersSendThem() throws {
        let merged = try merging(flags: ["--cors-origins", "HTTPS://A.example, http://[::1]:3000,*"])
        #expect(merged.corsOrigins == ["https://a.example", "http://[::1]:3000", "*"])
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
        ("port: [", "cannot be read as YAML"), ("port: 1\nhost: 'a\n", "line 3: cannot be read as YAML"),
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

    /// A value for each setting that is not its default; the first that the setting accepts.
    private static let values = [
        "auto", "openblas", "float16", "json", "debug", "true", "0600", "7", "70000", "https://a.example,*",
        "a \"b\" \\ c: #d\n\té\u{7F}",
    ]

    @Test(arguments: Setting.all.map(\.name))
    func everySettingReadsWhatItPrints(name: String) throws {
        let defaults = try merging()
        #expect(try merging(file: defaults.text).text == defaults.text)
        // At least one value is not the default.
        var changes = 0
        for value in Self.values {
            guard let merged = try? merging(flags: ["--\(name)", value]) else { continue }
            if merged.text != defaults.text { changes += 1 }
            #expect(try merging(file: merged.text).text == merged.text, "\(value)")
        }
        #expect(changes > 0)
    }

    @Test func everySettingNamesItsDefaultAndWhatIsAllowed() throws {
        let defaults = try merging().text
        for setting in Setting.all {
            #expect(!setting.help.isEmpty && !setting.expected.isEmpty && !setting.defaultText.isEmpty)
            // The printed default is accepted, unless it only describes one.
            if !defaults.contains("\(setting.name): \"\"\n") {
                #expect(throws: Never.self) { try merging(flags: ["--\(setting.name)", setting.defaultText]) }
            }
        }
    }

    @Test func aConfigurationFileThatCannotBeReadSaysWhy() throws {
        func reason(_ path: String) -> String {
            message { _ = try ServiceConfiguration.merging(flags: [:], environment: ["UAE_CONFIG": path], file: nil) }
        }
        #expect(reason("/none/file") == "/none/file: does not exist")
        #expect(reason("/") == "/: cannot be read: Is a directory")
        #expect(reason("/dev/zero") == "/dev/zero: is longer than 1048576 bytes")
        #expect(message { _ = try merging(environment: ["UAE_CONFIG": "/none"], file: "port: 1") } == "")
        #expect(reason("") == "")
    }

    @Test(arguments: [
        ("64M", 64_000_000), ("64MB", 64_000_000), ("64Mi", 64 << 20), ("64MiB", 64 << 20), ("1GiB", 1 << 30),
        ("512KiB", 512 << 10), ("512k", 512_000), ("512K", 512_000), ("512kB", 512_000), ("1 GiB", 1 << 30),
        ("67108864", 67_108_864),
    ])
    func bytesHaveUnits(text: String, expected: Int) throws {
        #expect(try merging(flags: ["--max-body-bytes", text]).maxBodyBytes == expected)
        #expect(try merging(environment: ["UAE_MAX_INFLIGHT_BYTES": text]).maxInflightBytes == expected)
    }

    @Test(arguments: [
        "64m", "1g", "64Mib", "M", "MiB", "-1M", "1.5G", "1e6", "9223372036854775807T", "64 M B", "B",
    ])
    func otherUnitsAreRefused(text: String) {
        #expect(
            message { _ = try merging(flags: ["--max-body-bytes", text]) }
                == "--max-body-bytes: expected bytes from 1024 to 4294967296, also as 64MiB (2^20) or 64M (10^6), "
                + "got '\(text)'"
        )
    }

    @Test func hostsMayStandInBrackets() throws {
        #expect(try merging(flags: ["--host", "[::1]"]).host == "::1")
        #expect(try merging(flags: ["--admin-host", "[::1]"]).adminHost == "::1")
        #expect(try merging(file: "host: '[::]'").host == "::")
        #expect(message { _ = try merging(flags: ["--host", "[]"]) }.hasPrefix("--host: expected a name"))
    }

    // What Kubernetes injects for a Service named `uae`, and Docker for a link.
    private static let serviceLinks = [
        "UAE_PORT": "tcp://10.96.7.1:80", "UAE_SERVICE_HOST": "10.96.7.1", "UAE_SERVICE_PORT": "80",
        "UAE_SERVICE_PORT_HTTP": "80", "UAE_PORT_80_TCP": "tcp://10.96.7.1:80", "UAE_PORT_80_TCP_PROTO": "tcp",
        "UAE_PORT_80_TCP_PORT": "80", "UAE_PORT_80_TCP_ADDR": "10.96.7.1", "UAE_HOST_PORT": "tcp://10.96.7.2:1",
        "UAE_HOST_SERVICE_HOST": "10.96.7.2", "UAE_HOST_SERVICE_PORT": "1",
    ]

    @Test func serviceLinksAreIgnoredWithAWarning() throws {
        #expect(try merging(environment: Self.serviceLinks).text == merging().text)
        #expect(try merging(environment: Self.serviceLinks, file: "port: 9").port == 9)
        let warnings = EnvironmentNames.warnings(about: Self.serviceLinks)
        #expect(warnings.count == 1)
        #expect(warnings.first?.hasPrefix("UAE_PORT is ignored: 'tcp://10.96.7.1:80' is a service link") == true)
        // A mistake stays one.
        #expect(message { _ = try merging(environment: ["UAE_PORT": "http://a:80"]) }.hasPrefix("UAE_PORT: expected"))
    }

    @Test(arguments: [
        ("UAE_THREAD", "UAE_THREADS"), ("UAE_MODLE", "UAE_MODEL"),
        ("UAE_MAX_BODY_SIZE", "UAE_MAX_BATCH_SIZE, UAE_MAX_BODY_BYTES"),
        ("UAE_DRAIN_DELAY", "UAE_DRAIN_DELAY_MS"), ("UAE_WATCHDOG", "UAE_WATCHDOG_MS"), ("uae_port", "UAE_PORT"),
        ("UAE_MAX-BODY-BYTES", "UAE_MAX_BODY_BYTES"), ("UAE_CONFIGS", "UAE_CONFIG"), ("UAE_LOGLEVEL", "UAE_LOG_LEVEL"),
    ])
    func aNameCloseToASettingIsWarnedAbout(name: String, setting: String) {
        #expect(
            EnvironmentNames.warnings(about: [name: "1"])
                == ["\(name) is ignored: it is not a setting; similar: \(setting)"]
        )
    }

    @Test func settingsAndForeignNamesGiveNoWarning() {
        let known = Setting.all.map(\.variable) + ["UAE_CONFIG"]
        let foreign = ["UAE_URL", "UAE_PID", "UAE_FLAGS", "UAE_BINARY", "UAE_FUZZ", "PATH", "THREADS", "UAE_"]
        let environment = Dictionary(uniqueKeysWithValues: (known + foreign).map { ($0, "1") })
        #expect(EnvironmentNames.warnings(about: environment).isEmpty)
    }

    @Test func threadsAcceptAuto() throws {
        #expect(try merging(flags: ["--threads", "auto"], environment: ["UAE_THREADS": "2"]).threads == nil)
        #expect(try merging(environment: ["UAE_THREADS": "auto"], file: "threads: 3").threads == nil)
        #expect(try merging(file: "threads: auto").threads == nil)
        #expect(try merging(file: "threads: 3").threads == 3)
    }
}
