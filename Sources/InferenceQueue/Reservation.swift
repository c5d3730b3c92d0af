// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Room in the queue.
package struct Places: Sendable, Equatable {
    package var items = 0
    /// In encodes.
    package var cost = 0.0

    package static let none = Places()

    package init(items: Int = 0, cost: Double = 0) {
        self.items = items
        self.cost = cost
    }

    package static func + (a: Places, b: Places) -> Places {
        Places(items: a.items + b.items, cost: a.cost + b.cost)
    }
}

/// Places in the queue, reserved for one request until its items use them or the reservation is released.
///
/// A request whose later items depend on the outputs of earlier ones reserves the places of all of them at once, and
/// ``InferenceQueue/submit(_:reservation:keeping:deadline:timeout:)`` uses a part at a time.
package final class Reservation: Sendable {
    package let caller: Caller
    private let places: Mutex<Places>
    private let giveBack: @Sendable (Places) -> Void

    init(_ places: Places, caller: Caller, giveBack: @escaping @Sendable (Places) -> Void) {
        self.places = Mutex(places)
        self.caller = caller
        self.giveBack = giveBack
    }

    /// The places that it still holds.
    package var held: Places { places.withLock { $0 } }

    /// Gives up all places but `rest`.
    ///
    /// - Returns: the places given up; the second caller gets none.
    func reduce(to rest: Places) -> Places {
        places.withLock { places in
            let given = Places(items: places.items - rest.items, cost: places.cost - rest.cost)
            precondition(given.items >= 0, "a reservation cannot grow")
            places = rest
            return given
        }
    }

    deinit {
        let rest = reduce(to: .none)
        if rest.items > 0 { giveBack(rest) }
    }
}
