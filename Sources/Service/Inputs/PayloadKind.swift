// SPDX-License-Identifier: Apache-2.0

import ImageCodec

/// The kind of a file, detected from its first bytes: Content-Types are wrong more often than files.
enum PayloadKind: Equatable {
    case image
    case npy
    case safetensors
    case json

    static func sniff(_ bytes: ArraySlice<UInt8>) -> PayloadKind? {
        if ImageFormat.sniff(bytes) != nil { return .image }
        if bytes.starts(with: [0x93] + Array("NUMPY".utf8)) { return .npy }
        if isSafetensors(bytes) { return .safetensors }
        // On raw memory, for speed: a body may be megabytes of white space.
        let first = bytes.withUnsafeBytes { $0.first { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 } }
        return first == UInt8(ascii: "{") ? .json : nil
    }

    /// A little-endian header length that fits the body, then the header's brace.
    private static func isSafetensors(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.count > 9, bytes[bytes.startIndex + 8] == UInt8(ascii: "{") else { return false }
        let length = bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return length >= 2 && length <= UInt64(bytes.count - 8)
    }
}
