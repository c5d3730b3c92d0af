// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Counters that all loops of a server share, and the waiters for them.
final class ServerTotals: Sendable {
    private let held = Atomic(0)
    private let count = Atomic(0)
    private let acceptorWaits = Atomic(false)
    private let acceptors = Mutex<[ObjectIdentifier: @Sendable () -> Void]>([:])
    private let drains = Mutex<[AsyncStream<Void>.Continuation]>([])

    /// Connections whose descriptor is open.
    var connections: Int { count.load(ordering: .sequentiallyConsistent) }

    /// Bytes of request bodies and of responses in memory.
    var heldBytes: Int { held.load(ordering: .relaxed) }

    /// - Returns: how many there are now.
    @discardableResult func hold(_ byteCount: Int) -> Int { held.add(byteCount, ordering: .relaxed).newValue }

    func release(_ byteCount: Int) { held.subtract(byteCount, ordering: .relaxed) }

    /// - Returns: how many there are now.
    func connectionOpened() -> Int { count.add(1, ordering: .sequentiallyConsistent).newValue }

    func connectionClosed() {
        let left = count.subtract(1, ordering: .sequentiallyConsistent).newValue
        if left == 0 { endDrains() }
        if acceptorWaits.exchange(false, ordering: .sequentiallyConsistent) {
            for resume in acceptors.withLock({ $0 }).values { resume() }
        }
    }

    /// Sets what is called after ``waitForClose()``.
    func setAcceptor(_ acceptor: ObjectIdentifier, _ resume: (@Sendable () -> Void)?) {
        acceptors.withLock { $0[acceptor] = resume }
    }

    /// Requests one call of the acceptors when a connection is closed.
    func waitForClose() { acceptorWaits.store(true, ordering: .sequentiallyConsistent) }

    /// Returns when no connection is open, or the task is cancelled.
    func drained() async {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        drains.withLock { $0.append(continuation) }
        if connections == 0 { endDrains() }
        for await _ in stream {}
    }

    private func endDrains() {
        let ended = drains.withLock { drains in
            defer { drains = [] }
            return drains
        }
        for continuation in ended { continuation.finish() }
    }
}
