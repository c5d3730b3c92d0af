// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import Glibc
import Synchronization

/// Signal handling of the process.
///
/// The first SIGTERM or SIGINT drains; a second one ends the process at once.
enum ProcessSignals {
    private static let count = Atomic(0)
    // Keeps the sources alive; set once, before any signal can arrive.
    nonisolated(unsafe) private static var sources: [any DispatchSourceSignal] = []
    // A serial queue has a thread even when all of Dispatch's are busy with work.
    private static let queue = DispatchQueue(label: "uae.signals")

    /// Yields on every SIGHUP, which would otherwise end the process.
    static func hangUps() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        signal(SIGHUP, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: queue)
        source.setEventHandler { continuation.yield() }
        source.resume()
        sources.append(source)
        return stream
    }

    /// - Parameter drain: called once, for the first signal; there is only one listener, so that no signal is missed.
    static func endsTheProcess(_ drain: @escaping @Sendable () -> Void) {
        // Writing to a disconnected client must not end the server.
        signal(SIGPIPE, SIG_IGN)
        for number in [SIGTERM, SIGINT] {
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                if count.add(1, ordering: .relaxed).newValue > 1 { _exit(128 + number) }
                drain()
            }
            source.resume()
            sources.append(source)
        }
    }

    /// Prints one line on a crash, because Swift's traps in release builds print none; then the signal ends the
    /// process.
    static func sayCrashes(inJSON: Bool) {
        for number in [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV] {
            var present = sigaction()
            // Swift's own backtraces, if requested, say more.
            guard sigaction(number, nil, &present) == 0, present.__sigaction_handler.sa_handler == nil else { continue }
            var action = sigaction()
            // Nothing but what is safe in a handler: no allocation, no lock, no Swift object.
            if inJSON {
                action.__sigaction_handler.sa_handler = { number in
                    ProcessSignals.write("{\"level\":\"critical\",\"message\":\"the process crashed\"}\n")
                    raise(number)
                }
            } else {
                action.__sigaction_handler.sa_handler = { number in
                    ProcessSignals.write("critical the process crashed\n")
                    raise(number)
                }
            }
            // Once: `raise` meets the default, which ends the process with the signal's own code.
            action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_NODEFER
            sigaction(number, &action, nil)
        }
    }

    /// Unless that would block, as a pipe without a reader does: the process has to end.
    private static func write(_ line: StaticString) {
        var entry = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        guard poll(&entry, 1, 0) == 1, entry.revents & Int16(POLLOUT) != 0 else { return }
        _ = Glibc.write(STDERR_FILENO, line.utf8Start, line.utf8CodeUnitCount)
    }
}
