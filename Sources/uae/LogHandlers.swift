// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Logging

/// One line per event on standard error: time, level, message, `name=value` pairs.
struct TextLogHandler: LogHandler {
    let label: String
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    init(label: String, level: Logger.Level) {
        self.label = label
        logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let pairs = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
            .map { " \($0.key)=\(LogText.oneLine("\($0.value)"))" }.joined()
        LogText.write("\(LogText.now()) \(event.level.rawValue) \(LogText.oneLine("\(event.message)"))\(pairs)\n")
    }
}

/// One JSON object per line on standard error.
struct JSONLogHandler: LogHandler {
    let label: String
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    init(label: String, level: Logger.Level) {
        self.label = label
        logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var object = metadata.merging(event.metadata ?? [:]) { $1 }.mapValues { "\($0)" }
        object["time"] = LogText.now()
        object["level"] = event.level.rawValue
        object["message"] = "\(event.message)"
        let data = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
        if let data { LogText.write(String(decoding: data, as: UTF8.self) + "\n") }
    }
}

private enum LogText {
    static func now() -> String {
        Date.now.formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true))
    }

    /// Escapes line breaks, so that a caller's text cannot start a new log line.
    static func oneLine(_ text: String) -> String {
        String(text.map { $0.isNewline || $0 == "\u{1B}" ? " " : $0 })
    }

    /// A line that cannot be written (full disk, closed pipe) is lost; `FileHandle` would end the process instead.
    static func write(_ line: String) {
        var rest = Array(line.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
