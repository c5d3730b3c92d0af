// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2

/// The frame guard: every frame of a client is checked here before libnghttp2 receives it.
///
/// libnghttp2 does not check, or not in every supported version:
///
/// - frames on streams that are closed or were never opened, which it ignores where RFC 9113 5.1 asks for an error;
/// - a SETTINGS frame that makes a stream's window overflow, which it treats as a stream error (RFC 9113 6.9.2);
/// - unknown frame types and empty DATA or CONTINUATION frames in any number;
/// - floods of PING, SETTINGS, PRIORITY, RST_STREAM and WINDOW_UPDATE (CVE-2019-9512 to 9518, CVE-2023-44487) at
///   limits for 100 streams; its own limits are far higher, and versions before 1.57 have none for RST_STREAM.
///
/// ``HTTP2FrameCutter`` finds the frames, ``HTTP2FrameRules`` has the checks that do not depend on a stream,
/// ``HTTP2ClosedStreams`` remembers how streams ended, ``HTTP2Meters`` counts floods. The library keeps HPACK, flow
/// control and the streams.
extension HTTP2Session {
    /// - Throws: the connection error.
    func take(_ piece: HTTP2FrameCutter.Piece) throws(HTTP2Failure) {
        switch piece {
        case .needsMore: break
        case .prefaceWrong: throw .protocolError
        case .prefaceComplete: try forward(HTTP2Preface.bytes)
        case .header(let frame):
            try rules.check(frame)
            try judge(frame)
            if frame.length == 0 || !frame.isHeld { try forward(cutter.rawHeader) }
        case .payload(let bytes): try forward(bytes)
        case .held(let frame, let payload):
            try judge(frame, payload)
            try forward(cutter.rawHeader + payload)
        }
    }

    private func judge(_ frame: HTTP2FrameHeader) throws(HTTP2Failure) {
        switch frame.kind {
        case .data: try judgeData(frame)
        case .headers: try judgeHeaders(frame)
        case .rstStream:
            try checkBegun(frame.stream)
            try count(1, on: \.resets)
        case .windowUpdate:
            if frame.stream != 0 { try checkBegun(frame.stream) }
            try count(1, on: \.windowUpdates)
        // Each costs an acknowledgement, and may move every window.
        case .settings: try count(frame.isAcknowledgement ? 1 : 5, on: \.idleFrames)
        case .ping, .priority, .goAway, nil: try count(1, on: \.idleFrames)
        case .continuation: if frame.length == 0 { try count(5, on: \.idleFrames) }
        case .pushPromise: break
        }
    }

    private func judgeData(_ frame: HTTP2FrameHeader) throws(HTTP2Failure) {
        try checkBegun(frame.stream)
        if let stream = streams[frame.stream] {
            if stream.clientHasEnded { throw .streamClosed }
            return
        }
        switch closedStreams[frame.stream] {
        case .byClient, .neverOpened: throw .streamClosed
        case .byServer: try count(1, on: \.idleFrames)
        }
    }

    private func judgeHeaders(_ frame: HTTP2FrameHeader) throws(HTTP2Failure) {
        if let stream = streams[frame.stream] {
            if stream.clientHasEnded { throw .streamClosed }
        } else if frame.stream > highestStream {
            highestStream = frame.stream
            if !acceptsStreams { closedStreams.insert(frame.stream, .byServer) }
        } else {
            switch closedStreams[frame.stream] {
            case .byClient: throw .streamClosed
            // RFC 9113 5.1.1.
            case .neverOpened: throw .protocolError
            case .byServer: try count(1, on: \.idleFrames)
            }
        }
    }

    /// RFC 9113 5.1: nothing but HEADERS and PRIORITY may come on an idle stream.
    private func checkBegun(_ stream: Int32) throws(HTTP2Failure) {
        if stream % 2 == 0 || stream > highestStream { throw .protocolError }
    }

    private func judge(_ frame: HTTP2FrameHeader, _ payload: [UInt8]) throws(HTTP2Failure) {
        if frame.kind == .priority {
            // RFC 7540 5.3.1; priorities themselves are ignored.
            let dependency = payload.prefix(4).reduce(Int32(0)) { $0 << 8 | Int32($1) } & Int32.max
            if dependency == frame.stream { throw .protocolError }
            return
        }
        let settings = try HTTP2Settings(payload)
        guard let initial = settings.initialWindow else { return }
        // RFC 9113 6.9.2: a connection error, where the library makes it one of the stream.
        let former = Int(nghttp2_session_get_remote_settings(library, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE))
        for id in streams.keys {
            let window = Int(nghttp2_session_get_stream_remote_window_size(library, id))
            if window + initial - former > Int(Int32.max) { throw .flowControlError }
        }
    }

    /// - Throws: `.enhanceYourCalm` once it is too much.
    func count(_ cost: Double, on meter: WritableKeyPath<HTTP2Meters, HTTP2Meter>) throws(HTTP2Failure) {
        if !meters[keyPath: meter].add(cost, now: now) { throw .enhanceYourCalm }
    }

    private func forward(_ bytes: [UInt8]) throws(HTTP2Failure) {
        // `withUnsafeBytes` does not carry typed errors out.
        let result = bytes.withUnsafeBytes { bytes in Result { () throws(HTTP2Failure) in try forward(bytes) } }
        try result.get()
    }

    private func forward(_ bytes: UnsafeRawBufferPointer) throws(HTTP2Failure) {
        let start = bytes.bindMemory(to: UInt8.self).baseAddress
        let result = nghttp2_session_mem_recv(library, start, bytes.count)
        if let callbackFailure { throw callbackFailure }
        guard result < 0 else { return }
        switch nghttp2_error(rawValue: Int32(result)) {
        case NGHTTP2_ERR_FLOODED, NGHTTP2_ERR_TOO_MANY_SETTINGS: throw .enhanceYourCalm
        case NGHTTP2_ERR_BAD_CLIENT_MAGIC: throw .protocolError
        default: throw .internalError
        }
    }
}
