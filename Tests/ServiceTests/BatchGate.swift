// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Dispatch
import Service
import Synchronization

/// Holds every batch until it is opened, after as many as are free.
final class BatchGate: Sendable {
    private final class Count: Sendable {
        let value = Atomic(0)
    }

    private let opened = DispatchSemaphore(value: 0)
    private let count = Count()
    let run: BatchRun

    init(free: Int = 0) {
        let (opened, count) = (opened, count)
        run = { engine, plans in
            if count.value.add(1, ordering: .relaxed).newValue > free {
                opened.wait()
                opened.signal()
            }
            return engine.run(plans)
        }
    }

    /// Batches that have reached the gate.
    var entered: Int { count.value.load(ordering: .relaxed) }

    func open() { opened.signal() }
}
