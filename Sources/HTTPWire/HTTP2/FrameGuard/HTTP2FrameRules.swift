// SPDX-License-Identifier: Apache-2.0

/// Checks of a frame that do not depend on its stream's state, and of the order of frames.
struct HTTP2FrameRules {
    private let limits: HTTP2Limits
    private var sawSettings = false
    /// The stream whose header block is not complete (RFC 9113 4.3: nothing may come between its frames).
    private(set) var openBlock: Int32?
    private var continuationCount = 0

    init(limits: HTTP2Limits) {
        self.limits = limits
    }

    /// Whether the client's first SETTINGS, the end of its preface, is here.
    var hasSettings: Bool { sawSettings }

    /// - Throws: the connection error.
    mutating func check(_ frame: HTTP2FrameHeader) throws(HTTP2Failure) {
        if !sawSettings {
            // RFC 9113 3.4: the preface ends with a SETTINGS frame, which is no acknowledgement.
            guard frame.kind == .settings, !frame.isAcknowledgement else { throw .protocolError }
            sawSettings = true
        }
        if frame.length > HTTP2FrameHeader.maximumPayload { throw .frameSizeError }
        if let openBlock {
            guard frame.kind == .continuation, frame.stream == openBlock else { throw .protocolError }
            continuationCount += 1
            if continuationCount > limits.continuations { throw .enhanceYourCalm }
        } else if frame.kind == .continuation {
            throw .protocolError
        }
        try checkStream(frame)
        try checkLength(frame)
        if frame.kind == .headers || frame.kind == .continuation {
            if frame.kind == .headers { continuationCount = 0 }
            openBlock = frame.endsHeaders ? nil : frame.stream
        }
    }

    private func checkStream(_ frame: HTTP2FrameHeader) throws(HTTP2Failure) {
        switch frame.kind {
        case .settings, .ping, .goAway:
            if frame.stream != 0 { throw .protocolError }
        case .headers:
            // RFC 9113 5.1.1: a client's streams are odd.
            if frame.stream % 2 == 0 { throw .protocolError }
        case .data, .priority, .rstStream, .continuation:
            if frame.stream == 0 { throw .protocolError }
        // RFC 9113 8.4: a client cannot push.
        case .pushPromise: throw .protocolError
        case .windowUpdate, nil: break
        }
    }

    private func checkLength(_ frame: HTTP2FrameHeader) throws(HTTP2Failure) {
        let fits =
            switch frame.kind {
            case .priority: frame.length == 5
            case .rstStream, .windowUpdate: frame.length == 4
            case .ping: frame.length == 8
            case .goAway: frame.length >= 8
            case .settings: frame.isAcknowledgement ? frame.length == 0 : frame.length % 6 == 0
            case .data, .headers, .pushPromise, .continuation, nil: true
            }
        if !fits { throw .frameSizeError }
        if frame.kind == .settings, frame.length > limits.settings * 6 { throw .enhanceYourCalm }
    }
}
