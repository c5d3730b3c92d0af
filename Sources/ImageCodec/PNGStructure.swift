// SPDX-License-Identifier: Apache-2.0

import Checksums

/// The content of a PNG's chunks, and the bytes of the file that the decoder gets.
///
/// Only the chunks that define pixels (IHDR, PLTE, tRNS, IDAT, IEND) are passed on, so colour profiles are never
/// inflated, and texts only if they can state an orientation. Source: W3C PNG specification, sections 5 and 11.
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
        var metadata = PNGMetadata()
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
                    throw .misplacedChunk(type: chunkName(type), offset: offset)
                }
                try checkSum(reader, bytes, offset: offset, length: length, type: type)
                keep(offset..<end)
            case ChunkType.header, ChunkType.palette, ChunkType.transparency, ChunkType.end:
                guard !seen.contains(type) else { throw .misplacedChunk(type: chunkName(type), offset: offset) }
                if type == ChunkType.transparency { hasAlpha = true }
                try checkSum(reader, bytes, offset: offset, length: length, type: type)
                keep(offset..<end)
            default:
                // Bit 5 of the first letter tells the chunks that may be passed over.
                guard type & 0x2000_0000 != 0 else {
                    throw .unknownCriticalChunk(type: chunkName(type), offset: offset)
                }
                let payload = UnsafeRawBufferPointer(rebasing: bytes[offset + 8..<end - 4])
                metadata.add(type, payload) {
                    // As libpng, a chunk beside the pixels is passed over if its checksum is wrong.
                    Self.hasTrueSum(reader, bytes, offset: offset, length: length)
                }
            }
            // Only relevant types are stored, so the set stays small for any input.
            if type & 0x2000_0000 == 0 || type == ChunkType.transparency { seen.insert(type) }
            last = type
            offset = end
        }
        guard seen.contains(ChunkType.imageData) else { throw .missingImageData }
        orientation = metadata.orientation
    }

    /// libspng does not read the last IDAT's checksum, so all checksums are checked here and none there.
    private func checkSum(
        _ reader: ByteReader,
        _ bytes: UnsafeRawBufferPointer,
        offset: Int,
        length: Int,
        type: Int
    ) throws(ImageDecodeError) {
        guard Self.hasTrueSum(reader, bytes, offset: offset, length: length) else {
            throw .chunkChecksum(type: chunkName(type), offset: offset)
        }
    }

    private static func hasTrueSum(
        _ reader: ByteReader,
        _ bytes: UnsafeRawBufferPointer,
        offset: Int,
        length: Int
    ) -> Bool {
        let checked = UnsafeRawBufferPointer(rebasing: bytes[offset + 4..<offset + 8 + length])
        return reader.uint32(at: offset + 8 + length) == Int(crc32(checked))
    }

    private mutating func keep(_ range: Range<Int>) {
        if let previous = pixelRanges.last, previous.upperBound == range.lowerBound {
            pixelRanges[pixelRanges.count - 1] = previous.lowerBound..<range.upperBound
        } else {
            pixelRanges.append(range)
        }
    }
}

/// The chunks that can state an orientation, anywhere in the file; the last of each kind counts, as in Pillow.
private struct PNGMetadata {
    private var exif: UnsafeRawBufferPointer?
    private var profile: PNGText?
    private var xmp: PNGText?

    private static let exifType = 0x6558_4966

    // `isIntact`: whether the chunk's checksum is right; asked only of chunks that matter.
    mutating func add(_ type: Int, _ payload: UnsafeRawBufferPointer, isIntact: () -> Bool) {
        let text = PNGText(type: type, payload: payload)
        guard type == Self.exifType || text != nil, isIntact() else { return }
        switch text?.keyword {
        case nil: exif = payload
        case .exif: exif = text?.plainBytes
        case .rawProfile: profile = text
        case .xmp: xmp = text
        }
    }

    var orientation: Orientation {
        let profile = exif == nil ? profile?.content.flatMap(PNGText.decodedProfile) ?? [] : []
        return profile.withUnsafeBytes { profile in
            let exif = exif ?? profile
            // XMP is decompressed only if it decides.
            var metadata = OrientationMetadata(exif: exif)
            guard !metadata.exifStatesOrientation, let packet = xmp?.content else { return metadata.orientation }
            return packet.withUnsafeBytes { packet in
                metadata.xmp = packet
                return metadata.orientation
            }
        }
    }
}
