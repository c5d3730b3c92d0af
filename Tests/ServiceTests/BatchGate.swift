// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Dispatch
import Service
import Synchronization

/// Holds every batch until it is opened.
final class BatchGate: Sendable {
    private final class Count: Sendable {
        let value = Atomic(0)
    }

    private let opened = DispatchSemaphore(value: 0)
    private let count = Count()
    let run: BatchRun

    init() {
        let (opened, count) = (opened, count)
        run = { engine, plans in
            count.value.add(1, ordering: .relaxed)
            opened.wait()
            opened.signal()
            return engine.run(plans)
        }
    }

    /// Batches that have reached the gate.
    var entered: Int { count.value.load(ordering: .relaxed) }

    func open() { opened.signal() }
}
