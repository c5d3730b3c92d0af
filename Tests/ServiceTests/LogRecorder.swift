// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization

/// Keeps what is logged, for tests to read.
final class LogRecorder: Sendable {
    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let event = Event(message: "\(event.message)", metadata: event.metadata ?? [:])
            recorder.recorded.withLock { $0.append(event) }
        }
    }

    struct Event: Sendable {
        let message: String
        let metadata: Logger.Metadata
    }

    private let recorded = Mutex<[Event]>([])
    private let level: Logger.Level

    init(level: Logger.Level = .trace) { self.level = level }

    var events: [Event] { recorded.withLock { $0 } }

    var lines: [String] { events.map { "\($0.message) \($0.metadata)" } }

    var logger: Logger { Logger(label: "test") { _ in Handler(recorder: self, logLevel: self.level) } }
}
