// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import Synchronization

/// What the process makes of signals.
///
/// The first SIGTERM or SIGINT drains; a second one ends the process at once.
enum ProcessSignals {
    private static let count = Atomic(0)
    // Sources only work while somebody holds them; set once, before any signal can come.
    nonisolated(unsafe) private static var sources: [any DispatchSourceSignal] = []

    /// Yields whenever SIGHUP comes, which would end the process otherwise.
    static func hangUps() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        signal(SIGHUP, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
        source.setEventHandler { continuation.yield() }
        source.resume()
        sources.append(source)
        return stream
    }

    static func endsTheProcess() {
        // Answers to clients that left must not end the server.
        signal(SIGPIPE, SIG_IGN)
        for number in [SIGTERM, SIGINT] {
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                if count.add(1, ordering: .relaxed).newValue > 1 { _exit(128 + number) }
            }
            source.resume()
            sources.append(source)
        }
    }
}
