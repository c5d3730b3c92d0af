// SPDX-License-Identifier: Apache-2.0

/// How much of each rate limit a client has used.
struct HTTP2Meters {
    var resets: HTTP2Meter
    var idleFrames: HTTP2Meter
    var windowUpdates: HTTP2Meter
    var faults: HTTP2Meter

    init(limits: HTTP2Limits, now: ContinuousClock.Instant) {
        resets = HTTP2Meter(limits.resets, now: now)
        idleFrames = HTTP2Meter(limits.idleFrames, now: now)
        windowUpdates = HTTP2Meter(limits.windowUpdates, now: now)
        faults = HTTP2Meter(limits.faults, now: now)
    }
}

/// A leaky bucket.
package struct HTTP2Meter: Sendable {
    package struct Rate: Sendable {
        package var burst: Double
        package var perSecond: Double

        package init(burst: Double, perSecond: Double) {
            self.burst = burst
            self.perSecond = perSecond
        }
    }

    private let rate: Rate
    private var level = 0.0
    private var last: ContinuousClock.Instant

    init(_ rate: Rate, now: ContinuousClock.Instant) {
        self.rate = rate
        last = now
    }

    /// Counts something.
    ///
    /// - Returns: false once it is too much.
    mutating func add(_ cost: Double, now: ContinuousClock.Instant) -> Bool {
        let drained = (now - last) / .seconds(1) * rate.perSecond
        last = now
        level = max(0, level - drained) + cost
        return level <= rate.burst
    }

    mutating func credit(_ amount: Double) { level = max(0, level - amount) }
}
