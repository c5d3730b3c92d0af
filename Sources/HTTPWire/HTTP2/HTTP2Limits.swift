// SPDX-License-Identifier: Apache-2.0

/// Bounds of an HTTP/2 connection.
package struct HTTP2Limits: Sendable {
    /// Streams that may be open at once, those included whose work goes on after a reset.
    package var streams = 100
    /// Bytes of a header list as RFC 9113 6.5.2 counts them: 32 for each field on top.
    package var headerList = 64 << 10
    /// Beyond so many times ``headerList`` a block is an attack on the decoder, not a large header.
    package var headerBombFactor = 16
    package var fields = 128
    /// Bytes of the path, and of any one field's name and value.
    package var field = 16 << 10
    package var continuations = 100
    package var settings = 32
    /// Bytes that a client may send ahead of their consumption, on a stream and in all.
    package var streamWindow = 256 << 10
    package var connectionWindow = 1 << 20
    /// Bursts and steady rates; beyond them the connection ends with ENHANCE_YOUR_CALM.
    package var resets = HTTP2Meter.Rate(burst: 300, perSecond: 33)
    /// Frames that ask for work and bring nothing: PING, SETTINGS, PRIORITY, empty DATA, unknown types.
    package var idleFrames = HTTP2Meter.Rate(burst: 500, perSecond: 50)
    package var windowUpdates = HTTP2Meter.Rate(burst: 1000, perSecond: 100)
    /// Malformed and refused streams.
    package var faults = HTTP2Meter.Rate(burst: 200, perSecond: 5)

    package init() {}
}
