// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Logging

/// The form of a log line.
package enum LogFormat: String, CaseIterable, Sendable {
    /// Time, level, message, `name=value` pairs.
    case text
    /// A JSON object, whose numbers are numbers.
    case json

    /// A line, with its line feed.
    package func line(
        time: String = Self.now(),
        level: Logger.Level,
        message: String,
        metadata: Logger.Metadata
    ) -> [UInt8] {
        let pairs = metadata.sorted { $0.key < $1.key }
        switch self {
        case .text:
            let text = pairs.map { " \($0.key)=\(Self.word("\($0.value)"))" }.joined()
            return Array("\(time) \(level.rawValue) \(Self.printable(message))\(text)\n".utf8)
        case .json:
            let members: [(String, JSONValue)] = [
                ("time", .string(time)), ("level", .string(level.rawValue)), ("message", .string(message)),
            ]
            return JSONValue.object(members + pairs.map { ($0.key, Self.json($0.value)) }).text + [0x0A]
        }
    }

    /// RFC 3339 in UTC, to the millisecond.
    package static func now() -> String {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return timestamp(time)
    }

    static func timestamp(_ time: timespec) -> String {
        var (seconds, parts) = (time.tv_sec, tm())
        gmtime_r(&seconds, &parts)
        let date = [Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday)]
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { padded(Int($0), 2) }
        return padded(date[0], 4) + "-" + padded(date[1], 2) + "-" + padded(date[2], 2) + "T"
            + clock.joined(separator: ":") + "." + padded(time.tv_nsec / 1_000_000, 3) + "Z"
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private static func json(_ value: Logger.MetadataValue) -> JSONValue {
        switch value {
        case .string(let text): .string(text)
        case .stringConvertible(let value):
            switch value {
            case let number as Int: .integer(number)
            case let number as Double: .number(number)
            case let flag as Bool: .bool(flag)
            default: .string("\(value)")
            }
        case .array(let values): .array(values.map(json))
        case .dictionary(let members):
            .object(members.sorted { $0.key < $1.key }.map { ($0.key, json($0.value)) })
        }
    }

    /// A value of a text line: in quotes where it could be taken for another pair.
    private static func word(_ text: String) -> String {
        let isPlain = text.unicodeScalars.allSatisfy { !$0.properties.isWhitespace && $0 != "\"" && $0 != "=" }
        if isPlain && !text.isEmpty { return printable(text) }
        return "\"" + printable(text).replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    /// Replaces what moves a terminal's cursor or starts a line, so that a caller's text cannot forge one.
    private static func printable(_ text: String) -> String {
        var printable = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: printable.append(" ")
            default: printable.append(scalar)
            }
        }
        return String(printable)
    }
}

/// Formats events and puts them into a ``LogQueue``.
package struct LineLogHandler: LogHandler {
    private let format: LogFormat
    private let queue: LogQueue
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]

    package init(format: LogFormat, level: Logger.Level, queue: LogQueue) {
        self.format = format
        self.queue = queue
        logLevel = level
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        queue.append(format.line(level: event.level, message: "\(event.message)", metadata: all))
    }
}
