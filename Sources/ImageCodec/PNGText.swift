// SPDX-License-Identifier: Apache-2.0

import Checksums

/// The text of a PNG chunk that can state an orientation, by its keyword.
///
/// Other texts are not looked at; of these, the last of each keyword counts, so at most two are decompressed.
/// Source: W3C PNG specification, section 11.3.3.
struct PNGText {
    enum Keyword: CaseIterable {
        /// ImageMagick's EXIF in hexadecimal digits.
        case rawProfile
        case xmp
        /// A TIFF block as it is, which only Pillow reads, and only in tEXt.
        case exif

        fileprivate var text: StaticString {
            switch self {
            case .rawProfile: "Raw profile type exif"
            case .xmp: "XML:com.adobe.xmp"
            case .exif: "exif"
            }
        }
    }

    enum Chunk {
        static let plain = 0x7445_5874
        static let compressed = 0x7a54_5874
        static let international = 0x6954_5874
    }

    let keyword: Keyword
    private let bytes: UnsafeRawBufferPointer
    private let isCompressed: Bool

    /// Pillow's limit of a text.
    private static let limit = 1 << 20

    /// - Returns: nil for other chunks and keywords, and for malformed chunks.
    init?(type: Int, payload: UnsafeRawBufferPointer) {
        guard type == Chunk.plain || type == Chunk.compressed || type == Chunk.international else { return nil }
        let keyword = Keyword.allCases.first { keyword in
            keyword.text.withUTF8Buffer { payload.starts(with: $0) && payload.dropFirst($0.count).first == 0 }
        }
        guard let keyword, keyword != .exif || type == Chunk.plain else { return nil }
        self.keyword = keyword
        var rest = payload.dropFirst(keyword.text.utf8CodeUnitCount + 1)
        var isCompressed = false
        switch type {
        case Chunk.compressed:
            guard rest.popFirst() == 0 else { return nil }
            isCompressed = true
        case Chunk.international:
            guard let flag = rest.popFirst(), let method = rest.popFirst(), flag == 0 || method == 0 else { return nil }
            isCompressed = flag != 0
            // The language and the translated keyword. As in Pillow, a profile is UTF-8 like them.
            let names = rest
            for _ in 0..<2 {
                guard let end = rest.firstIndex(of: 0) else { return nil }
                rest = rest[(end + 1)...]
            }
            let text = isCompressed ? names[..<rest.startIndex] : names
            guard keyword == .xmp || String(validating: text, as: UTF8.self) != nil else { return nil }
        default: break
        }
        self.isCompressed = isCompressed
        bytes = UnsafeRawBufferPointer(rebasing: rest)
    }

    /// The text of a chunk that is not compressed.
    var plainBytes: UnsafeRawBufferPointer? { isCompressed ? nil : bytes }

    /// The text, or nil if it cannot be decompressed to at most 1 MiB.
    var content: [UInt8]? {
        isCompressed ? inflated(bytes, atMost: Self.limit) : bytes.count <= Self.limit ? Array(bytes) : nil
    }

    /// The bytes of a raw profile: three lines, then hexadecimal digits in lines.
    static func decodedProfile(_ text: [UInt8]) -> [UInt8]? {
        var lines = text[...]
        for _ in 0..<3 {
            guard let end = lines.firstIndex(of: UInt8(ascii: "\n")) else { return [] }
            lines = lines[(end + 1)...]
        }
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in lines {
            switch (hexadecimalValue(character), high) {
            case (let digit?, let first?):
                bytes.append(first << 4 | digit)
                high = nil
            case (let digit?, nil): high = digit
            // A line may end within a byte, other white space may not.
            case (nil, _) where character == UInt8(ascii: "\n"): break
            case (nil, nil) where character == 0x20 || (0x09...0x0d).contains(character): break
            default: return nil
            }
        }
        return high == nil ? bytes : nil
    }

    private static func hexadecimalValue(_ character: UInt8) -> UInt8? {
        switch character {
        case 0x30...0x39: character - 0x30
        case 0x41...0x46: character - 0x41 + 10
        case 0x61...0x66: character - 0x61 + 10
        default: nil
        }
    }
}
