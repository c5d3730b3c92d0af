// SPDX-License-Identifier: Apache-2.0

/// Whether bytes move fast enough: in each period at the minimum rate, and never a whole period without a move.
///
/// The first period begins when bytes begin to wait. Bytes moved in one period earn no time for later ones.
struct Pace {
    private var start: ContinuousClock.Instant
    private var movedAt: ContinuousClock.Instant
    /// Bytes moved since ``start``.
    private var count = 0

    init(_ now: ContinuousClock.Instant) {
        start = now
        movedAt = now
    }

    mutating func move(_ byteCount: Int, _ now: ContinuousClock.Instant) {
        if byteCount == 0 { return }
        count += byteCount
        movedAt = now
    }

    /// When ``isTooSlow(_:period:rate:)`` is to be asked.
    func deadline(_ period: Duration) -> ContinuousClock.Instant { min(start, movedAt) + period }

    /// - Parameters:
    ///   - now: the time.
    ///   - period: how long a period is.
    ///   - rate: bytes per second.
    /// - Returns: whether nothing has moved for a period, or one is over in which fewer bytes moved than `rate` asks for.
    mutating func isTooSlow(_ now: ContinuousClock.Instant, period: Duration, rate: Int) -> Bool {
        if now >= movedAt + period { return true }
        guard now >= start + period else { return false }
        if Double(count) < Double(rate) * (period / .seconds(1)) { return true }
        (start, count) = (now, 0)
        return false
    }
}
