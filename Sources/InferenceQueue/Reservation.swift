// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Places in the queue, reserved for one request until its items use them or the reservation is released.
package final class Reservation: Sendable {
    package let items: Int
    package let cost: Double
    package let caller: Caller
    private let giveBack: @Sendable (_ items: Int, _ cost: Double) -> Void
    private let isSpent = Atomic(false)

    init(items: Int, cost: Double, caller: Caller, giveBack: @escaping @Sendable (Int, Double) -> Void) {
        self.items = items
        self.cost = cost
        self.caller = caller
        self.giveBack = giveBack
    }

    /// True for the first caller only: the places are given back once.
    func spend() -> Bool {
        !isSpent.exchange(true, ordering: .relaxed)
    }

    deinit {
        if spend() { giveBack(items, cost) }
    }
}
