// SPDX-License-Identifier: Apache-2.0

/// What a PNG's chunks say, read without inflating anything.
///
/// - Source: W3C PNG, third edition, section 5.
struct PNGStructure {
    private(set) var width = 0
    private(set) var height = 0
    private(set) var colorType = 0
    private(set) var hasTransparency = false
    /// The TIFF data of the `eXIf` chunk.
    private(set) var exif: Range<Int>?
    /// Whole chunks that the pixels need, in order: IHDR, PLTE, tRNS, IDAT, IEND. The others, above all the
    /// compressed texts and profiles, never reach the decoder.
    private(set) var neededChunks: [Range<Int>] = []

    var hasAlpha: Bool { colorType == 4 || colorType == 6 || hasTransparency }

    init(_ bytes: UnsafeRawBufferPointer) throws(ImageDecodeError) {
        var offset = 8
        var isFirst = true
        while true {
            guard let length = bytes.bigEndian32(offset), let type = bytes.bigEndian32(offset + 4) else {
                throw .truncated(format: .png, bytes: bytes.count)
            }
            guard length <= Int32.max else { throw .malformed(format: .png, offset: offset) }
            let end = offset + 12 + length
            guard end <= bytes.count else { throw .truncated(format: .png, bytes: bytes.count) }
            let name = Self.name(type)
            if isFirst {
                guard name == "IHDR", length == 13 else { throw .malformed(format: .png, offset: offset) }
                width = bytes.bigEndian32(offset + 8) ?? 0
                height = bytes.bigEndian32(offset + 12) ?? 0
                colorType = bytes.byte(offset + 17) ?? 0
                isFirst = false
            }
            switch name {
            case "IHDR", "PLTE", "IDAT", "IEND": neededChunks.append(offset..<end)
            case "tRNS":
                hasTransparency = true
                neededChunks.append(offset..<end)
            case "eXIf" where exif == nil: exif = offset + 8..<end - 4
            default:
                // The case of a type's first letter says whether a reader may skip the chunk.
                guard type >> 24 & 0x20 != 0 else { throw .unsupported(format: .png, feature: "chunk \(name)") }
            }
            if name == "IEND" { break }
            offset = end
        }
    }

    private static func name(_ type: Int) -> String {
        String(
            [24, 16, 8, 0].map { shift in
                let byte = UInt8(truncatingIfNeeded: type >> shift)
                return (0x41...0x7A).contains(byte) ? Character(UnicodeScalar(byte)) : "?"
            }
        )
    }
}
