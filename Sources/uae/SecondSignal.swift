// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import Synchronization

/// The first SIGTERM or SIGINT drains; a second one ends the process at once.
enum SecondSignal {
    private static let count = Atomic(0)
    // Sources only work while somebody holds them; set once, before any signal can come.
    nonisolated(unsafe) private static var sources: [any DispatchSourceSignal] = []

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
