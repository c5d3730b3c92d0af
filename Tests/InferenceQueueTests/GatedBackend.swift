// SPDX-License-Identifier: Apache-2.0

import Glibc
import InferenceQueue
import Synchronization
import Testing

/// A backend whose batches wait until the test lets them go.
///
/// Items are their own cost; outputs are the items.
final class GatedBackend: InferenceBackend {
    let parallelism: Int
    private let gate: DispatchGate
    private let seen = Mutex<[[Int]]>([])

    init(parallelism: Int = 1, isOpen: Bool = true) {
        self.parallelism = parallelism
        gate = DispatchGate(isOpen: isOpen)
    }

    /// The batches begun so far.
    var batches: [[Int]] { seen.withLock { $0 } }

    func open() { gate.open() }

    func cost(of item: Int) -> Double { Double(item) }

    func run(_ items: [Int]) -> [Int] {
        seen.withLock { $0.append(items) }
        gate.wait()
        return items
    }
}

/// Holds threads back until it is opened.
final class DispatchGate: Sendable {
    private let isOpen: Atomic<Bool>

    init(isOpen: Bool) {
        self.isOpen = Atomic(isOpen)
    }

    var isOpenNow: Bool { isOpen.load(ordering: .acquiring) }

    func open() { isOpen.store(true, ordering: .releasing) }

    func wait() {
        while !isOpenNow { sched_yield() }
    }
}

/// Lets other tasks run until a condition holds, or until the test's time is up.
func until(_ condition: () -> Bool) async throws {
    while !condition() {
        try Task.checkCancellation()
        await Task.yield()
    }
}
