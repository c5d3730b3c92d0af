// SPDX-License-Identifier: Apache-2.0

/// Bounds of an HTTP/2 connection.
package struct HTTP2Limits: Sendable {
    /// Streams that may be open at once, those included whose work goes on after a reset.
    package var streams = 100
    /// Octets of a header list as RFC 9113 6.5.2 counts them: 32 for each field on top.
    package var headerList = 64 << 10
    /// Beyond so many times ``headerList`` a block is an attack on the decoder, not a large header.
    package var headerBombFactor = 16
    package var fields = 128
    /// Octets of the path, and of any one field's name and value.
    package var field = 16 << 10
    package var continuations = 100
    package var settings = 32
    /// Octets that a client may send ahead of their consumption, on a stream and in all.
    package var streamWindow = 256 << 10
    package var connectionWindow = 1 << 20
    /// What a connection may do at once, and each second from then on, before it is told to calm down.
    package var resets = HTTP2Meter.Rate(burst: 300, perSecond: 33)
    /// Frames that ask for work and bring nothing: PING, SETTINGS, PRIORITY, empty DATA, unknown types.
    package var idleFrames = HTTP2Meter.Rate(burst: 500, perSecond: 50)
    package var windowUpdates = HTTP2Meter.Rate(burst: 1000, perSecond: 100)
    /// Malformed and refused streams.
    package var faults = HTTP2Meter.Rate(burst: 200, perSecond: 5)

    package init() {}
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
