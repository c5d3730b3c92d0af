// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Writes log lines to a descriptor that may be full, closed or not blocking.
struct LogWriter {
    let descriptor: Int32
    /// A write failed within a line, so the next one begins on a new line.
    private var isInsideLine = false

    private static let lineFeed = UInt8(ascii: "\n")

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// A reader that has gone gives `EPIPE` on this thread, and no signal that ends the process.
    func ignoreBrokenPipes() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Writes whole lines.
    ///
    /// - Returns: how many of them are lost, in part or whole, because the descriptor does not take them.
    mutating func write(_ lines: [UInt8]) -> Int {
        var rest = (isInsideLine && !lines.isEmpty ? [Self.lineFeed] + lines : lines)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                // The other processes that share the descriptor may have made it so.
                if errno == EAGAIN, waitUntilWritable() { continue }
                return rest.count { $0 == Self.lineFeed }
            }
            isInsideLine = rest[rest.startIndex + count - 1] != Self.lineFeed
            rest = rest.dropFirst(count)
        }
        return 0
    }

    private func waitUntilWritable() -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&entry, 1, -1) == 1 || errno == EINTR
    }
}
