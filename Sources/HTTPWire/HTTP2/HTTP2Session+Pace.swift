// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2

/// Finds responses that the client takes too slowly.
extension HTTP2Session {
    /// Streams that have been below the minimum rate for a period because of the client.
    ///
    /// The responses that wait share the rate: where n waited at once, each must move at an n-th of it. A slower one is at fault if its own
    /// window is shut, so that others do not pay for it, or if all of them together are below the rate. One that does
    /// not move for a whole period is too slow whatever the rate.
    ///
    /// - Parameters:
    ///   - now: the time.
    ///   - period: how long a period is.
    ///   - rate: bytes per second.
    /// - Returns: the streams, to be reset.
    package func slowResponses(_ now: ContinuousClock.Instant, period: Duration, rate: Int) -> [Int32] {
        let waiting = streams.filter { $0.value.isWaiting }.keys
        let least = Double(rate) * (period / .seconds(1))
        return waiting.filter { isTooSlow($0, now, period, least: least, waitingCount: waiting.count) }
    }

    /// Notes in the periods of the responses that wait that there is one more.
    func shareRate() {
        let waiting = streams.filter { $0.value.isWaiting }
        for (id, stream) in waiting {
            streams[id]?.period.mostWaiting = max(stream.period.mostWaiting, waiting.count)
        }
    }

    /// The instant whose period ends first; nil: no response waits.
    package var earliestPeriod: ContinuousClock.Instant? {
        streams.lazy.filter { $0.value.isWaiting }.map { [self] in min($1.period.start, lastMove($0, $1)) }.min()
    }

    /// A stream whose window is open waits for the others, and moves with them.
    private func lastMove(_ id: Int32, _ stream: Stream) -> Instant {
        windowIsShut(id) ? stream.movedAt : max(stream.movedAt, dataSentAt)
    }

    private func windowIsShut(_ id: Int32) -> Bool {
        nghttp2_session_get_stream_remote_window_size(library, id) <= 0
    }

    private func isTooSlow(
        _ id: Int32,
        _ now: Instant,
        _ length: Duration,
        least: Double,
        waitingCount: Int
    ) -> Bool {
        guard let stream = streams[id] else { return false }
        if now >= lastMove(id, stream) + length { return true }
        guard now >= stream.period.start + length else { return false }
        let share = least / Double(stream.period.mostWaiting)
        let isSlow = Double(stream.sent - stream.period.sent) < share
        if isSlow, windowIsShut(id) || Double(dataSent - stream.period.dataSent) < least { return true }
        streams[id]?.period = Period(start: now, sent: stream.sent, dataSent: dataSent, mostWaiting: waitingCount)
        return false
    }
}

extension HTTP2Session.Stream {
    /// A part of the response is still to be sent.
    fileprivate var isWaiting: Bool { sent < body.count }
}
