// SPDX-License-Identifier: Apache-2.0

/// A frame's first nine octets (RFC 9113 4.1).
struct HTTP2FrameHeader {
    static let octets = 9
    /// Nobody is told that larger ones are welcome (RFC 9113 4.2).
    static let maximumPayload = 16384

    enum Kind: UInt8 {
        case data, headers, priority, rstStream, settings, pushPromise, ping, goAway, windowUpdate, continuation
    }

    let length: Int
    /// nil: an unknown type.
    let kind: Kind?
    let flags: UInt8
    let stream: Int32

    /// - Parameter octets: at least nine.
    init(_ octets: [UInt8]) {
        length = Int(octets[0]) << 16 | Int(octets[1]) << 8 | Int(octets[2])
        kind = Kind(rawValue: octets[3])
        flags = octets[4]
        // RFC 9113 4.1: the reserved bit is ignored.
        stream = octets[5..<9].reduce(Int32(0)) { $0 << 8 | Int32($1) } & Int32.max
    }

    /// END_STREAM and ACK share a bit.
    var endsStream: Bool { flags & 0x1 != 0 }
    var isAcknowledgement: Bool { flags & 0x1 != 0 }
    var endsHeaders: Bool { flags & 0x4 != 0 }

    /// Frames that are judged by their content, and are small.
    var isHeld: Bool { kind == .settings || kind == .priority }

    static func goAway(lastStream: Int32, _ code: HTTP2Failure) -> [UInt8] {
        [0, 0, 8, Kind.goAway.rawValue, 0, 0, 0, 0, 0] + bigEndian(UInt32(bitPattern: lastStream))
            + bigEndian(code.rawValue)
    }

    private static func bigEndian(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
}

/// What is wrong with a frame whatever state its stream is in, and with the frames' order.
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

/// The content of a SETTINGS frame (RFC 9113 6.5).
struct HTTP2Settings {
    private(set) var initialWindow: Int?

    /// - Parameter payload: whole entries of six octets.
    /// - Throws: the error that RFC 9113 6.5.2 sets for a value.
    init(_ payload: some Collection<UInt8>) throws(HTTP2Failure) {
        var rest = payload[...]
        while rest.count >= 6 {
            let entry = Array(rest.prefix(6))
            rest = rest.dropFirst(6)
            let value = entry[2...].reduce(0) { $0 << 8 | Int($1) }
            switch Int(entry[0]) << 8 | Int(entry[1]) {
            // ENABLE_PUSH, ENABLE_CONNECT_PROTOCOL (RFC 8441), NO_RFC7540_PRIORITIES (RFC 9218).
            case 2, 8, 9:
                if value > 1 { throw .protocolError }
            case 4:
                if value > Int(Int32.max) { throw .flowControlError }
                initialWindow = value
            case 5:
                if !(16384...0xFFFFFF).contains(value) { throw .protocolError }
            default: break
            }
        }
    }
}
