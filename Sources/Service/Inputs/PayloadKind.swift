// SPDX-License-Identifier: Apache-2.0

import ImageCodec

/// The kind of a file, detected from its first bytes: Content-Types are wrong more often than files.
enum PayloadKind: Equatable {
    case image
    case npy
    case npz
    case safetensors
    case json

    static func sniff(_ bytes: ArraySlice<UInt8>) -> PayloadKind? {
        if ImageFormat.sniff(bytes) != nil { return .image }
        if bytes.starts(with: [0x93] + Array("NUMPY".utf8)) { return .npy }
        if isNPZ(bytes) { return .npz }
        if isSafetensors(bytes) { return .safetensors }
        return firstOfJSON(bytes) == UInt8(ascii: "{") ? .json : nil
    }

    /// The first byte after white space, and after a UTF-8 byte order mark.
    static func firstOfJSON(_ bytes: ArraySlice<UInt8>) -> UInt8? {
        // On raw memory, for speed: a body may be megabytes of white space.
        bytes.dropFirst(byteOrderMarkLength(bytes)).withUnsafeBytes {
            $0.first { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 }
        }
    }

    static func byteOrderMarkLength(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    /// Whether bytes that are no image and no tensor begin like JSON in UTF-16, which some Windows tools write.
    static func isUTF16JSON(_ bytes: ArraySlice<UInt8>) -> Bool {
        let start = Array(bytes.prefix(4))
        guard start.count == 4 else { return false }
        let open: Set<UInt8> = [UInt8(ascii: "{"), UInt8(ascii: "[")]
        if start[..<2] == [0xFF, 0xFE] { return open.contains(start[2]) && start[3] == 0 }
        if start[..<2] == [0xFE, 0xFF] { return start[2] == 0 && open.contains(start[3]) }
        return (open.contains(start[0]) && start[1] == 0 && start[2] != 0 && start[3] == 0)
            || (start[0] == 0 && open.contains(start[1]) && start[2] == 0 && start[3] != 0)
    }

    /// A zip archive whose first entry is an array; other archives are of no known kind.
    private static func isNPZ(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.starts(with: [0x50, 0x4B, 0x03, 0x04]), bytes.count > 30 else { return false }
        let length = Int(bytes[bytes.startIndex + 26]) | Int(bytes[bytes.startIndex + 27]) << 8
        return bytes.dropFirst(30).prefix(length).suffix(4).elementsEqual(".npy".utf8)
    }

    /// A little-endian header length that fits the body, then the header's brace.
    private static func isSafetensors(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.count > 9, bytes[bytes.startIndex + 8] == UInt8(ascii: "{") else { return false }
        let length = bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return length >= 2 && length <= UInt64(bytes.count - 8)
    }
}
