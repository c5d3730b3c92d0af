// SPDX-License-Identifier: Apache-2.0

/// An HTTP/2 frame as it goes over the wire, right or wrong.
package struct PeerFrame: Sendable, Equatable {
    package var kind: UInt8
    package var flags: UInt8
    package var stream: UInt32
    package var payload: [UInt8]

    package static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    package init(_ kind: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) {
        self.kind = kind
        self.flags = flags
        self.stream = stream
        self.payload = payload
    }

    package var bytes: [UInt8] {
        Array(Self.number(UInt32(payload.count))[1...]) + [kind, flags] + Self.number(stream) + payload
    }

    package var endsStream: Bool { kind <= 1 && flags & 1 != 0 }

    /// The number in the payload of RST_STREAM and WINDOW_UPDATE, and the error code in that of GOAWAY.
    package var number: UInt32 {
        let digits = kind == 7 ? payload.dropFirst(4).prefix(4) : payload.prefix(4)
        return digits.reduce(0) { $0 << 8 | UInt32($1) }
    }

    package static func number(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
}

extension PeerFrame {
    package static func data(_ stream: UInt32, _ bytes: [UInt8], ends: Bool = true) -> PeerFrame {
        PeerFrame(0, flags: ends ? 1 : 0, stream: stream, bytes)
    }

    /// A whole header section in one frame.
    package static func headers(
        _ stream: UInt32,
        _ fields: [(String, String)],
        ends: Bool = true
    ) -> PeerFrame {
        PeerFrame(1, flags: ends ? 5 : 4, stream: stream, block(fields))
    }

    package static func reset(_ stream: UInt32, _ code: UInt32 = 8) -> PeerFrame {
        PeerFrame(3, stream: stream, number(code))
    }

    package static func settings(_ entries: [(UInt16, UInt32)] = []) -> PeerFrame {
        PeerFrame(4, entries.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] + number($1) })
    }

    package static let settingsAcknowledgement = PeerFrame(4, flags: 1)

    package static func ping(_ text: String = "12345678") -> PeerFrame { PeerFrame(6, Array(text.utf8)) }

    package static func goAway(_ code: UInt32 = 0) -> PeerFrame { PeerFrame(7, number(0) + number(code)) }

    package static func windowUpdate(_ stream: UInt32, _ increment: UInt32) -> PeerFrame {
        PeerFrame(8, stream: stream, number(increment))
    }

    package static func continuation(_ stream: UInt32, _ block: [UInt8], ends: Bool) -> PeerFrame {
        PeerFrame(9, flags: ends ? 4 : 0, stream: stream, block)
    }

    /// Literal fields without indexing (RFC 7541 6.2.2), not even compressed.
    package static func block(_ fields: [(String, String)]) -> [UInt8] {
        fields.flatMap { [0] + literal(Array($0.utf8)) + literal(Array($1.utf8)) }
    }

    /// RFC 7541 5.2.
    package static func literal(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count >= 127 else { return [UInt8(bytes.count)] + bytes }
        var rest = bytes.count - 127
        var length: [UInt8] = [127]
        while rest >= 128 {
            length.append(UInt8(rest % 128) | 0x80)
            rest /= 128
        }
        return length + [UInt8(rest)] + bytes
    }

    /// The fields of a request.
    package static func request(
        _ method: String,
        _ path: String,
        _ others: [(String, String)] = []
    ) -> [(String, String)] {
        [(":method", method), (":scheme", "http"), (":path", path), (":authority", "test")] + others
    }
}

/// Cuts what a server sends into frames.
package struct PeerFrames {
    private var bytes: [UInt8] = []

    package init() {}

    package mutating func append(_ more: [UInt8]) { bytes += more }

    /// Bytes of HTTP/1.1 before the frames, up to and including an empty line; nil: it is not there yet.
    package mutating func takeText() -> String? {
        guard let range = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        defer { bytes.removeFirst(range.upperBound) }
        return String(decoding: bytes[..<range.upperBound], as: UTF8.self)
    }

    package mutating func next() -> PeerFrame? {
        guard bytes.count >= 9 else { return nil }
        let length = bytes[..<3].reduce(0) { $0 << 8 | Int($1) }
        guard bytes.count >= 9 + length else { return nil }
        defer { bytes.removeFirst(9 + length) }
        return PeerFrame(
            bytes[3],
            flags: bytes[4],
            stream: bytes[5..<9].reduce(0) { $0 << 8 | UInt32($1) },
            Array(bytes[9..<9 + length])
        )
    }
}
