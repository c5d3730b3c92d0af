// SPDX-License-Identifier: Apache-2.0

/// A rate limit with bursts: the bucket holds the requests of ten seconds, at least one, and fills at the rate.
struct TokenBucket {
    private let perSecond: Double
    private let capacity: Double
    private var tokens: Double
    private var filledAt: ContinuousClock.Instant

    init(perMinute: Int, now: ContinuousClock.Instant) {
        perSecond = Double(perMinute) / 60
        capacity = max(1, perSecond * 10)
        tokens = capacity
        filledAt = now
    }

    /// Takes a token.
    ///
    /// - Returns: nil, or how long it takes until there is one.
    mutating func take(_ now: ContinuousClock.Instant) -> Duration? {
        tokens = min(capacity, tokens + perSecond * max(0, (now - filledAt) / .seconds(1)))
        filledAt = now
        guard tokens < 1 else {
            tokens -= 1
            return nil
        }
        return .seconds((1 - tokens) / perSecond)
    }
}
