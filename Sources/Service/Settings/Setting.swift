// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// One setting: a flag `--name`, a variable `UAE_NAME` and a member `name` of the configuration file at once.
package struct Setting: Sendable {
    package let name: String
    package let help: String
    /// The values that are allowed, as the end of "expected".
    package let expected: String
    /// What an empty default means.
    var unset = "none"
    let set: @Sendable (inout ServiceConfiguration, String) -> Bool
    let get: @Sendable (ServiceConfiguration) -> String

    package var variable: String {
        "UAE_" + name.uppercased().replacing("-", with: "_")
    }

    /// The value without any source, as a source would give it.
    package var defaultText: String {
        let value = get(ServiceConfiguration())
        return value.isEmpty ? unset : value
    }

    /// - Throws: `SettingError.invalid` with the setting spelled as in its source.
    func apply(_ value: String, to configuration: inout ServiceConfiguration, spelled: String) throws(SettingError) {
        guard set(&configuration, value) else {
            throw .invalid(name: spelled, value: value, expected: expected)
        }
    }

    // A key path is not Sendable by itself; these hold no state.
    private typealias Path<Value> = WritableKeyPath<ServiceConfiguration, Value> & Sendable

    private static func text(
        _ name: String,
        _ path: any Path<String>,
        _ help: String,
        of allowed: [String] = []
    ) -> Setting {
        Setting(
            name: name,
            help: help,
            expected: allowed.isEmpty ? "a text that is not empty" : allowed.joined(separator: ", "),
            set: { configuration, value in
                guard allowed.isEmpty ? !value.isEmpty : allowed.contains(value) else { return false }
                configuration[keyPath: path] = value
                return true
            },
            get: { $0[keyPath: path] }
        )
    }

    private static func optionalText(
        _ name: String,
        _ path: any Path<String?>,
        _ help: String,
        expected: String = "a path",
        unset: String = "none",
        read: @escaping @Sendable (String) -> String = { $0 }
    ) -> Setting {
        Setting(
            name: name,
            help: help,
            expected: expected,
            unset: unset,
            set: { configuration, value in
                let value = read(value)
                configuration[keyPath: path] = value.isEmpty ? nil : value
                return true
            },
            get: { $0[keyPath: path] ?? "" }
        )
    }

    private static func integer(
        _ name: String,
        _ path: any Path<Int>,
        _ range: ClosedRange<Int>,
        _ help: String
    ) -> Setting {
        Setting(
            name: name,
            help: help,
            expected: "an integer from \(range.lowerBound) to \(range.upperBound)",
            set: { configuration, value in
                guard let number = Int(value), range.contains(number) else { return false }
                configuration[keyPath: path] = number
                return true
            },
            get: { String($0[keyPath: path]) }
        )
    }

    private static func bytes(
        _ name: String,
        _ path: any Path<Int>,
        _ range: ClosedRange<Int>,
        _ help: String
    ) -> Setting {
        Setting(
            name: name,
            help: help,
            expected: "bytes from \(range.lowerBound) to \(range.upperBound), also as 64MiB (2^20) or 64M (10^6)",
            set: { configuration, value in
                guard let number = ByteCount.parse(value), range.contains(number) else { return false }
                configuration[keyPath: path] = number
                return true
            },
            get: { String($0[keyPath: path]) }
        )
    }

    private static func milliseconds(
        _ name: String,
        _ path: any Path<Duration>,
        _ range: ClosedRange<Int>,
        _ help: String
    ) -> Setting {
        Setting(
            name: name,
            help: help,
            expected: "milliseconds from \(range.lowerBound) to \(range.upperBound)",
            set: { configuration, value in
                guard let number = Int(value), range.contains(number) else { return false }
                configuration[keyPath: path] = .milliseconds(number)
                return true
            },
            get: { String(Int($0[keyPath: path] / .milliseconds(1))) }
        )
    }

    /// Whether a browser could send `text` as its origin: scheme, host and port alone (RFC 6454 6.2).
    private static func isOrigin(_ text: String) -> Bool {
        let parts = text.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return false }
        return parts[1].utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"/?#@*\\\"'".utf8.contains($0) }
    }

    private static let hostExpected = "a name or an address, such as 0.0.0.0, :: or [::1]"

    /// An IPv6 address may be in brackets, as in a URL.
    private static func withoutBrackets(_ host: String) -> String {
        host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    }

    /// All settings, in the order in which they are printed.
    package static let all: [Setting] = [
        text("model", \.model, "Model folder."),
        optionalText("head", \.head, "Classification head (safetensors) instead of the model's own."),
        optionalText("labels", \.labels, "Category names, one a line, instead of the head's own."),
        text("weight-storage", \.weightStorage, "Weights in memory.", of: ["float32", "float16"]),
        Setting(
            name: "matrix-products",
            help: "Matrix products; auto: the faster of the two in a trial.",
            expected: MatrixProductSetting.allCases.map(\.rawValue).joined(separator: ", "),
            unset: "by the processor",
            set: { configuration, value in
                configuration.matrixProducts = MatrixProductSetting(rawValue: value)
                // `--print-config` prints an empty value for the default.
                return configuration.matrixProducts != nil || value.isEmpty
            },
            get: { $0.matrixProducts?.rawValue ?? "" }
        ),
        Setting(
            name: "host",
            help: "Address to listen on.",
            expected: hostExpected,
            set: { configuration, value in
                let host = withoutBrackets(value)
                guard !host.isEmpty else { return false }
                configuration.host = host
                return true
            },
            get: { $0.host }
        ),
        integer("port", \.port, 0...65535, "Port to listen on; 0: any free one."),
        optionalText("unix-socket", \.unixSocket, "Listen on this Unix socket instead of host and port."),
        Setting(
            name: "unix-socket-mode",
            help: "Permissions of the Unix socket in octal, such as 0660.",
            expected: "octal permissions from 0 to 0777",
            unset: "by the umask",
            set: { configuration, value in
                configuration.unixSocketMode = UInt32(value, radix: 8)
                return value.isEmpty || configuration.unixSocketMode.map { $0 <= 0o777 } ?? false
            },
            get: { $0.unixSocketMode.map { "0" + String($0, radix: 8) } ?? "" }
        ),
        optionalText(
            "unix-socket-group",
            \.unixSocketGroup,
            "Group of the Unix socket.",
            expected: "a name or a number",
            unset: "the process's group"
        ),
        Setting(
            name: "admin-port",
            help: "Another port with /metrics and health probes alone, without a key.",
            expected: "an integer from 0 to 65535",
            set: { configuration, value in
                configuration.adminPort = Int(value).flatMap { (0...65535).contains($0) ? $0 : nil }
                // `--print-config` prints an empty value for none.
                return configuration.adminPort != nil || value.isEmpty
            },
            get: { $0.adminPort.map(String.init) ?? "" }
        ),
        optionalText(
            "admin-host",
            \.adminHost,
            "Address of the admin port.",
            expected: hostExpected,
            unset: "the value of host",
            read: withoutBrackets
        ),
        Setting(
            name: "threads",
            help: "Inference threads; auto: the CPUs that the process may use.",
            expected: "auto or an integer from 1 to 1024",
            set: { configuration, value in
                if value == "auto" {
                    configuration.threads = nil
                    return true
                }
                guard let number = Int(value), (1...1024).contains(number) else { return false }
                configuration.threads = number
                return true
            },
            get: { $0.threads.map(String.init) ?? "auto" }
        ),
        integer("max-batch-size", \.maxBatchSize, 1...1024, "Cost of one batch, in encodes."),
        milliseconds("max-batch-delay-ms", \.maxBatchDelay, 0...10_000, "Wait for a batch to fill; 0: never."),
        integer("max-queue-items", \.maxQueueItems, 1...1_000_000, "Items (and cost, in encodes) that may wait."),
        integer("max-client-items", \.maxClientItems, 1...4096, "Items in one request."),
        milliseconds("request-timeout-ms", \.requestTimeout, 1...3_600_000, "Longest time for one request."),
        bytes("max-body-bytes", \.maxBodyBytes, 1024...(1 << 32), "Longest request body."),
        bytes("max-inflight-bytes", \.maxInflightBytes, 1024...(1 << 40), "Request bodies and responses held at once."),
        integer("max-image-pixels", \.maxImagePixels, 1...268_435_456, "Largest image, in pixels."),
        milliseconds("header-timeout-ms", \.headerTimeout, 1...600_000, "Longest time for a request's head."),
        milliseconds("body-timeout-ms", \.bodyTimeout, 1...3_600_000, "Longest time for a request's body."),
        milliseconds("idle-timeout-ms", \.idleTimeout, 1...3_600_000, "Longest idle time of a connection."),
        milliseconds("write-timeout-ms", \.writeTimeout, 1...3_600_000, "Longest time for a response to be read."),
        integer(
            "min-bytes-per-second",
            \.minBytesPerSecond,
            1...(1 << 30),
            "Rate that large bodies and responses must keep up once their time is over."
        ),
        integer("max-connections", \.maxConnections, 1...1_000_000, "Connections held at once."),
        integer("warmup-batch", \.warmupBatch, 0...64, "Images in the warm-up run before the service is ready."),
        milliseconds("drain-delay-ms", \.drainDelay, 0...600_000, "Keep accepting after SIGTERM for this long."),
        milliseconds("drain-timeout-ms", \.drainTimeout, 0...3_600_000, "Finish accepted requests for this long."),
        milliseconds("watchdog-ms", \.watchdog, 100...3_600_000, "A batch that runs longer counts as hung."),
        optionalText("api-key-file", \.apiKeyFile, "File of API keys, one per line; without it, no key is required."),
        Setting(
            name: "max-key-requests-per-minute",
            help: "Requests per minute of one API key; 0: any number.",
            // With 2 or more the wait for the next request is at most 30 s, the largest Retry-After.
            expected: "0 or an integer from 2 to 6000000",
            set: { configuration, value in
                guard let number = Int(value), number == 0 || (2...6_000_000).contains(number) else { return false }
                configuration.maxKeyRequestsPerMinute = number
                return true
            },
            get: { String($0.maxKeyRequestsPerMinute) }
        ),
        Setting(
            name: "cors-origins",
            help: "Origins that browsers may call from, comma-separated.",
            expected: "origins without a path such as https://example.org or http://localhost:3000, or *",
            set: { configuration, value in
                // Browsers send scheme and host in lower case.
                let origins = value.split(separator: ",").map { String($0.trimmingSpaces).lowercased() }
                guard origins.allSatisfy({ $0 == "*" || isOrigin($0) }) else { return false }
                configuration.corsOrigins = origins
                return true
            },
            get: { $0.corsOrigins.joined(separator: ",") }
        ),
        text("log-format", \.logFormat, "Form of the log lines.", of: ["text", "json"]),
        text(
            "log-level",
            \.logLevel,
            "Least severe level that is logged.",
            of: ["trace", "debug", "info", "notice", "warning", "error", "critical"]
        ),
    ]
}

extension Substring {
    var trimmingSpaces: Substring {
        let end = lastIndex { $0 != " " }.map { index(after: $0) } ?? startIndex
        return self[startIndex..<end].drop { $0 == " " }
    }
}
