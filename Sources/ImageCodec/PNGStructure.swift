// SPDX-License-Identifier: Apache-2.0

import Checksums

/// The content of a PNG's chunks, and the bytes of the file that the decoder gets.
///
/// Only the chunks that define pixels (IHDR, PLTE, tRNS, IDAT, IEND) are passed on, so compressed text and
/// colour-profile chunks are never inflated. Source: W3C PNG specification, sections 5 and 11.
struct PNGStructure {
    static let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

    private(set) var width = 0
    private(set) var height = 0
    private(set) var hasAlpha = false
    private(set) var orientation = Orientation.upright

    /// Bytes per pixel during decoding: alpha is the fourth.
    var pixelBytes: Int { hasAlpha ? 4 : 3 }

    /// Byte ranges of the file for the decoder, neighbours joined: at most a handful.
    private(set) var pixelRanges: [Range<Int>] = []

    private enum ChunkType {
        static let header = 0x4948_4452
        static let palette = 0x504c_5445
        static let transparency = 0x7452_4e53
        static let imageData = 0x4944_4154
        static let end = 0x4945_4e44
        static let exif = 0x6558_4966
    }

    /// With `headerOnly` the walk stops after IHDR.
    ///
    /// - Throws: `ImageDecodeError`.
    init(_ bytes: UnsafeRawBufferPointer, headerOnly: Bool = false) throws(ImageDecodeError) {
        let reader = ByteReader(bytes: bytes)
        guard let headerLength = reader.uint32(at: 8), let headerType = reader.uint32(at: 12), bytes.count >= 33 else {
            throw .truncated(byteCount: bytes.count)
        }
        guard headerLength == 13, headerType == ChunkType.header else {
            throw .malformedHeader(byteCount: headerLength)
        }
        width = reader.uint32(at: 16) ?? 0
        height = reader.uint32(at: 20) ?? 0
        let colourType = bytes[25]
        hasAlpha = colourType == 4 || colourType == 6
        if headerOnly { return }
        try checkSum(reader, bytes, offset: 8, length: 13, type: headerType)
        keep(0..<33)
        try walk(reader, bytes)
    }

    private mutating func walk(_ reader: ByteReader, _ bytes: UnsafeRawBufferPointer) throws(ImageDecodeError) {
        var seen: Set<Int> = [ChunkType.header]
        var last = ChunkType.header
        var offset = 33
        while last != ChunkType.end {
            guard let length = reader.uint32(at: offset), let type = reader.uint32(at: offset + 4) else {
                throw .truncated(byteCount: bytes.count)
            }
            guard length <= Int(Int32.max) else { throw .malformedChunk(offset: offset) }
            let end = offset + 12 + length
            guard end <= bytes.count else { throw .truncated(byteCount: bytes.count) }
            switch type {
            case ChunkType.imageData:
                guard last == type || !seen.contains(type) else {
                    throw .misplacedChunk(type: Self.name(type), offset: offset)
                }
                keep(offset..<end)
            case ChunkType.header, ChunkType.palette, ChunkType.transparency, ChunkType.end:
                guard !seen.contains(type) else { throw .misplacedChunk(type: Self.name(type), offset: offset) }
                if type == ChunkType.transparency { hasAlpha = true }
                keep(offset..<end)
            default:
                // Bit 5 of the first letter tells the chunks that may be passed over.
                guard type & 0x2000_0000 != 0 else {
                    throw .unknownCriticalChunk(type: Self.name(type), offset: offset)
                }
                if type == ChunkType.exif, !seen.contains(type) {
                    orientation = Orientation(tiff: UnsafeRawBufferPointer(rebasing: bytes[offset + 8..<end - 4]))
                }
            }
            try checkSum(reader, bytes, offset: offset, length: length, type: type)
            // Only relevant types are stored, so the set stays small for any input.
            if type & 0x2000_0000 == 0 || type == ChunkType.transparency || type == ChunkType.exif { seen.insert(type) }
            last = type
            offset = end
        }
        guard seen.contains(ChunkType.imageData) else { throw .missingImageData }
    }

    /// libspng does not read the last IDAT's checksum, so all checksums are checked here and none there.
    private func checkSum(
        _ reader: ByteReader,
        _ bytes: UnsafeRawBufferPointer,
        offset: Int,
        length: Int,
        type: Int
    ) throws(ImageDecodeError) {
        let checked = UnsafeRawBufferPointer(rebasing: bytes[offset + 4..<offset + 8 + length])
        guard reader.uint32(at: offset + 8 + length) == Int(crc32(checked)) else {
            throw .chunkChecksum(type: Self.name(type), offset: offset)
        }
    }

    private mutating func keep(_ range: Range<Int>) {
        if let previous = pixelRanges.last, previous.upperBound == range.lowerBound {
            pixelRanges[pixelRanges.count - 1] = previous.lowerBound..<range.upperBound
        } else {
            pixelRanges.append(range)
        }
    }

    /// A chunk type's four bytes; bytes other than letters are shown as `?`.
    private static func name(_ type: Int) -> String {
        let bytes = [24, 16, 8, 0].map { shift in UInt8(type >> shift & 0xff) }
        let isLetter = { (byte: UInt8) in (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) }
        return String(decoding: bytes.map { byte in isLetter(byte) ? byte : 0x3f }, as: UTF8.self)
    }
}
