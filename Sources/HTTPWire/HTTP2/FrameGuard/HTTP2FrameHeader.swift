// SPDX-License-Identifier: Apache-2.0

/// A frame's first nine bytes (RFC 9113 4.1).
struct HTTP2FrameHeader {
    static let byteCount = 9
    /// The default; larger frames are not announced (RFC 9113 4.2).
    static let maximumPayload = 16384

    enum Kind: UInt8 {
        case data, headers, priority, rstStream, settings, pushPromise, ping, goAway, windowUpdate, continuation
    }

    let length: Int
    /// nil: an unknown type.
    let kind: Kind?
    let flags: UInt8
    let stream: Int32

    /// - Parameter bytes: at least nine.
    init(_ bytes: [UInt8]) {
        length = Int(bytes[0]) << 16 | Int(bytes[1]) << 8 | Int(bytes[2])
        kind = Kind(rawValue: bytes[3])
        flags = bytes[4]
        // RFC 9113 4.1: the reserved bit is ignored.
        stream = bytes[5..<9].reduce(Int32(0)) { $0 << 8 | Int32($1) } & Int32.max
    }

    /// END_STREAM and ACK share a bit.
    var endsStream: Bool { flags & 0x1 != 0 }
    var isAcknowledgement: Bool { flags & 0x1 != 0 }
    var endsHeaders: Bool { flags & 0x4 != 0 }

    /// Small frames that are checked by their content.
    var isHeld: Bool { kind == .settings || kind == .priority }

    static func goAway(lastStream: Int32, _ code: HTTP2Failure) -> [UInt8] {
        frame(.goAway, bigEndian(UInt32(bitPattern: lastStream)) + bigEndian(code.rawValue))
    }

    /// A whole frame of the connection, without flags.
    static func frame(_ kind: Kind, _ payload: [UInt8]) -> [UInt8] {
        bigEndian(UInt32(payload.count)).dropFirst() + [kind.rawValue, 0, 0, 0, 0, 0] + payload
    }

    private static func bigEndian(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
}
