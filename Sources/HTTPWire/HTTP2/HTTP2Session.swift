// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2
import HTTPTypes

/// The server's side of one HTTP/2 connection without I/O: bytes in, events out; responses in, bytes out.
///
/// libnghttp2 keeps the streams, the windows and HPACK. In front of it the frame guard (FrameGuard/) checks every
/// frame, since the library ignores some violations and counts few floods.
///
/// Belongs to one thread at a time. ``receive(_:now:)`` and ``output(atMost:now:)`` bring about ``Event``s, which the
/// caller takes with ``takeEvents()``.
package final class HTTP2Session {
    package enum Event {
        /// A request began.
        case head(stream: Int32, HTTP2Head)
        /// A request began that the protocol layer refuses; the head is as far as it is known.
        case refused(stream: Int32, HTTPRefusal, HTTPRequestHead)
        /// A part of a body, to be given back with ``consume(_:on:reopensStream:)``.
        case body(stream: Int32, [UInt8])
        /// The request is complete.
        case end(stream: Int32)
        /// The response is sent, but the request has not ended yet.
        case respondedEarly(stream: Int32)
        /// No more frames of this stream.
        case closed(stream: Int32, Closing)
    }

    package enum Closing: Equatable {
        case finished
        case resetByClient
        /// RFC 9113 8.1.1 and the like: the client broke a rule on this stream.
        case faulty
        /// The server's own doing: ``reset(_:_:)``, or no room for the stream.
        case resetHere
    }

    struct Stream {
        /// The header or trailer section that is coming in.
        var section: HTTP2FieldSection?
        var isHeadRequest = false
        /// RST_STREAM is on its way: what still comes is dropped.
        var isReset = false
        var wasResetByClient = false
        var resetCode = HTTP2Failure.noError
        var clientHasEnded = false
        var hasResponse = false
        /// Empty once all of it is sent.
        var body: [UInt8] = []
        /// Bytes of ``body`` that have been sent.
        var sent = 0
        /// When the last part of the response was sent.
        var movedAt: ContinuousClock.Instant
        var period: Period

        init(
            section: HTTP2FieldSection? = nil,
            isHeadRequest: Bool = false,
            clientHasEnded: Bool = false,
            now: Instant
        ) {
            self.section = section
            self.isHeadRequest = isHeadRequest
            self.clientHasEnded = clientHasEnded
            movedAt = now
            period = Period(start: now)
        }
    }

    typealias Instant = ContinuousClock.Instant

    /// A time in which a response must move at the minimum rate.
    struct Period {
        var start: Instant
        /// Bytes sent before it: of the response, and of all responses.
        var sent = 0
        var dataSent = 0
        /// The most responses that waited at once in it.
        var mostWaiting = 1
    }

    let limits: HTTP2Limits
    var streams: [Int32: Stream] = [:]
    var closedStreams = HTTP2ClosedStreams()
    /// The highest stream that the client has begun.
    var highestStream: Int32 = 0
    var events: [Event] = []
    var now: ContinuousClock.Instant
    var cutter = HTTP2FrameCutter()
    var rules: HTTP2FrameRules
    var meters: HTTP2Meters
    /// What a callback found while the library was at work.
    var callbackFailure: HTTP2Failure?
    /// When the library last sent DATA, on whatever stream, and how many bytes in all.
    var dataSentAt: ContinuousClock.Instant
    var dataSent = 0
    /// Bytes of responses in memory that wait to be sent.
    package private(set) var responseBytes = 0
    var library: OpaquePointer?
    /// The library has ended the connection with an error of its own.
    var libraryHasFailed = false
    private var failure: HTTP2Failure?
    private var saidGoAway = false
    private var shutdownIsFinal = false
    private var pending: [UInt8] = []

    /// Streams whose client left while their work goes on; they keep their slots (or a client could have any number of
    /// requests under way by resetting each).
    package var heldSlots = 0
    /// Since when a frame or a header block has been incomplete.
    package private(set) var incompleteSince: ContinuousClock.Instant?
    /// Whether the client has acknowledged our SETTINGS.
    package internal(set) var isAcknowledged = false

    /// Bytes that are taken from the library when the connection fails.
    private static let lastWords = 64 << 10
    static let shutdownMark: [UInt8] = Array("shutdown".utf8)

    /// A connection that begins with the client's preface.
    ///
    /// - Parameters:
    ///   - limits: every bound.
    ///   - now: the time.
    ///   - upgrade: the request that asked for HTTP/2, which becomes stream 1, and its `HTTP2-Settings` (RFC 7540 3.2).
    /// - Throws: what is wrong with the settings; `.internalError` without memory.
    package init(
        limits: HTTP2Limits = HTTP2Limits(),
        now: ContinuousClock.Instant,
        upgrade: (request: HTTPRequestHead, settings: [UInt8])? = nil
    ) throws(HTTP2Failure) {
        self.limits = limits
        self.now = now
        rules = HTTP2FrameRules(limits: limits)
        meters = HTTP2Meters(limits: limits, now: now)
        dataSentAt = now
        if let upgrade { _ = try HTTP2Settings(upgrade.settings) }
        library = try makeLibrary()
        if let upgrade { try begin(upgrade.request, upgrade.settings) }
        try submitSettings()
        pending = try firstFrames()
    }

    deinit { nghttp2_session_del(library) }

    // MARK: State

    package var hasSettings: Bool { rules.hasSettings }

    package var hasOpenStreams: Bool { !streams.isEmpty }

    /// Nothing more will be read or sent; the connection can be closed once the output is out.
    package var isFinished: Bool {
        if failure != nil { return saidGoAway }
        return pending.isEmpty && nghttp2_session_want_read(library) == 0 && nghttp2_session_want_write(library) == 0
    }

    /// What happened since the last call, in order.
    package func takeEvents() -> [Event] {
        defer { events = [] }
        return events
    }

    // MARK: Bytes

    /// Takes what the client sent.
    package func receive(_ bytes: UnsafeRawBufferPointer, now: ContinuousClock.Instant) {
        self.now = now
        var rest = bytes
        while failure == nil, !libraryHasFailed {
            let piece = cutter.next(&rest)
            if case .needsMore = piece { break }
            do throws(HTTP2Failure) {
                try take(piece)
            } catch {
                // The library may have found a frame before this one wrong and not have said so yet.
                pending += drainLibrary(atMost: Self.lastWords)
                fail(error)
            }
            if !isIncomplete { incompleteSince = nil }
        }
        if isIncomplete, incompleteSince == nil { incompleteSince = now }
    }

    private var isIncomplete: Bool { cutter.isInsideFrame || rules.openBlock != nil }

    /// What is to be sent, about `limit` bytes at most; empty: nothing for now.
    package func output(atMost limit: Int, now: ContinuousClock.Instant) -> [UInt8] {
        self.now = now
        var bytes = pending
        pending = []
        if failure == nil { bytes += drainLibrary(atMost: limit) }
        if let failure, !saidGoAway {
            saidGoAway = true
            let last = nghttp2_session_get_last_proc_stream_id(library)
            bytes += HTTP2FrameHeader.goAway(lastStream: last, failure)
        }
        return bytes
    }

    /// Whole frames, until there are `limit` bytes or no more.
    private func drainLibrary(atMost limit: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < limit {
            var data: UnsafePointer<UInt8>?
            let count = nghttp2_session_mem_send(library, &data)
            if count > 0 { bytes.append(contentsOf: UnsafeBufferPointer(start: data, count: count)) }
            if count < 0 { fail(.internalError) }
            if let callbackFailure { fail(callbackFailure) }
            if count <= 0 || failure != nil { break }
        }
        return bytes
    }

    /// Ends the connection with an error: GOAWAY is the last thing that is sent.
    package func fail(_ code: HTTP2Failure) {
        if failure == nil, !libraryHasFailed { failure = code }
    }

    // MARK: Responses

    /// Sends the response to a request.
    ///
    /// No effect on a stream that is closed or has a response.
    ///
    /// - Parameters:
    ///   - response: headers of HTTP/1.1's framing are left out (RFC 9113 8.2.2).
    ///   - id: the stream.
    ///   - date: an IMF-fixdate (RFC 9110 5.6.7).
    ///   - now: the time.
    package func respond(_ response: Response, on id: Int32, date: String, now: ContinuousClock.Instant) {
        guard let stream = streams[id], !stream.hasResponse, !stream.isReset else { return }
        streams[id]?.hasResponse = true
        streams[id]?.movedAt = now
        let hasContent = response.mayHaveContent && !stream.isHeadRequest && !response.body.isEmpty
        if hasContent {
            streams[id]?.body = response.body
            streams[id]?.period = Period(start: now, dataSent: dataSent)
            responseBytes += response.body.count
            shareRate()
        }
        if !submit(HTTP2FieldBlock(response, date: date), on: id, hasContent: hasContent) {
            reset(id, .internalError)
        }
    }

    /// Tells a waiting client to send its body (RFC 9110 15.2.1).
    package func sendContinue(on id: Int32) {
        submitInformational(HTTP2FieldBlock(informational: 100), on: id)
    }

    /// Reopens the client's window by what was consumed.
    ///
    /// - Parameters:
    ///   - count: bytes of ``Event/body(stream:_:)``.
    ///   - id: the stream.
    ///   - reopensStream: false: the rest of the stream is not wanted; only the connection's window is reopened.
    package func consume(_ count: Int, on id: Int32, reopensStream: Bool) {
        if reopensStream, streams[id] != nil {
            nghttp2_session_consume(library, id, count)
        } else {
            nghttp2_session_consume_connection(library, count)
        }
    }

    /// Ends a stream at once; what the client still sends on it is dropped.
    package func reset(_ id: Int32, _ code: HTTP2Failure) {
        guard streams[id]?.isReset == false else { return }
        dropBody(of: id)
        streams[id]?.isReset = true
        streams[id]?.resetCode = code
        nghttp2_submit_rst_stream(library, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, code.rawValue)
    }

    /// Frees the response's body: it is sent, or will not be.
    func dropBody(of id: Int32) {
        responseBytes -= streams[id]?.body.count ?? 0
        streams[id]?.body = []
        streams[id]?.sent = 0
    }

    // MARK: Ending (RFC 9113 6.8)

    /// Announces the end of the connection; streams that the client begins before it learns of it are served.
    package func beginShutdown() {
        nghttp2_submit_shutdown_notice(library)
        // Its acknowledgement shows that the notice has arrived.
        Self.shutdownMark.withUnsafeBufferPointer { mark in
            _ = nghttp2_submit_ping(library, UInt8(NGHTTP2_FLAG_NONE.rawValue), mark.baseAddress)
        }
    }

    /// No new stream is accepted from now on; open streams finish.
    package func finishShutdown() {
        if shutdownIsFinal || failure != nil { return }
        shutdownIsFinal = true
        let last = nghttp2_session_get_last_proc_stream_id(library)
        nghttp2_submit_goaway(
            library,
            UInt8(NGHTTP2_FLAG_NONE.rawValue),
            last,
            HTTP2Failure.noError.rawValue,
            nil,
            0
        )
    }

    package var acceptsStreams: Bool { !shutdownIsFinal }

    /// An error has ended the connection, or is about to.
    package var hasFailed: Bool { failure != nil || libraryHasFailed }

    // MARK: Beginning

    private func begin(_ request: HTTPRequestHead, _ settings: [UInt8]) throws(HTTP2Failure) {
        let isHead = request.method == .head
        guard nghttp2_session_upgrade2(library, settings, settings.count, isHead ? 1 : 0, nil) == 0 else {
            throw .protocolError
        }
        var request = request
        request.version = .http2
        highestStream = 1
        streams[1] = Stream(isHeadRequest: isHead, clientHasEnded: true, now: now)
        events = [
            .head(stream: 1, HTTP2Head(request: request, expectsContinue: false)),
            .end(stream: 1),
        ]
    }

    /// The server's preface: our SETTINGS in place of the library's, and what the library sends after them.
    private func firstFrames() throws(HTTP2Failure) -> [UInt8] {
        let frames = drainLibrary(atMost: .max)
        guard frames.count >= HTTP2FrameHeader.byteCount else { throw .internalError }
        let replaced = HTTP2FrameHeader(frames)
        guard replaced.kind == .settings, !replaced.isAcknowledgement else { throw .internalError }
        return try announcedSettings() + frames.dropFirst(HTTP2FrameHeader.byteCount + replaced.length)
    }
}
