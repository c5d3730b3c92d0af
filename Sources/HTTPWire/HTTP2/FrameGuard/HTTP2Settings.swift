// SPDX-License-Identifier: Apache-2.0

/// The content of a SETTINGS frame (RFC 9113 6.5).
struct HTTP2Settings {
    private(set) var initialWindow: Int?

    /// - Parameter payload: whole entries of six bytes.
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
