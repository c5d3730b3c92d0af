// SPDX-License-Identifier: Apache-2.0

package import Dispatch
import Glibc
import InferenceQueue
import Synchronization

/// Log lines on their way to a descriptor, which one thread writes.
///
/// A descriptor without a reader may block, and lines are logged on event loops, which must not. The
/// bytes that wait are bounded; a line that finds no room is dropped and counted.
package final class LogQueue: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var droppedLines = 0
        /// Signalled once all bytes are written.
        var flushes: [DispatchSemaphore] = []
        var isStopped = false
    }

    /// Shared with the thread, which must not keep its owner alive.
    private final class Mailbox: Sendable {
        let state = Mutex(State())
        /// Counts changes from empty to not empty, flushes, and the end.
        let arrivals = DispatchSemaphore(value: 0)
    }

    private let capacity: Int
    private let mailbox = Mailbox()

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - descriptor: where the lines go; not closed.
    ///   - capacity: bytes that may wait; as many again are being written.
    package init(descriptor: Int32 = STDERR_FILENO, capacity: Int = 1 << 20) {
        self.capacity = capacity
        startThread(named: "uae.log") { [mailbox] in
            var writer = LogWriter(descriptor: descriptor)
            writer.ignoreBrokenPipes()
            while true {
                mailbox.arrivals.wait()
                let (bytes, flushes, isStopped) = mailbox.state.withLock { state in
                    defer { (state.bytes, state.flushes) = ([], []) }
                    return (state.bytes, state.flushes, state.isStopped)
                }
                let lost = writer.write(bytes)
                if lost > 0 { mailbox.state.withLock { $0.droppedLines += lost } }
                for flush in flushes { flush.signal() }
                if isStopped { return }
            }
        }
    }

    /// Lines that wait are still written.
    deinit {
        mailbox.state.withLock { $0.isStopped = true }
        mailbox.arrivals.signal()
    }

    /// Lines that were not written: no room, or the descriptor took them not.
    package var droppedLines: Int { mailbox.state.withLock { $0.droppedLines } }

    /// Adds a line, which ends with a line feed, without waiting.
    package func append(_ line: [UInt8]) {
        let wasEmpty = mailbox.state.withLock { state in
            guard state.bytes.count + line.count <= capacity else {
                state.droppedLines += 1
                return false
            }
            defer { state.bytes += line }
            return state.bytes.isEmpty
        }
        if wasEmpty { mailbox.arrivals.signal() }
    }

    /// Waits until what was added before is written.
    ///
    /// - Returns: whether it was within `timeout`; a descriptor without a reader must not hold up an exit.
    @discardableResult package func flush(within timeout: DispatchTimeInterval) -> Bool {
        let done = DispatchSemaphore(value: 0)
        mailbox.state.withLock { $0.flushes.append(done) }
        mailbox.arrivals.signal()
        return done.wait(timeout: .now() + timeout) == .success
    }
}
