// SPDX-License-Identifier: Apache-2.0

internal import CWebP

/// The content of a WebP's chunks, parsed without decoding: the canvas, its first frame, and the orientation.
///
/// libwebp gets the first frame only. Its own demultiplexer would keep a record of every chunk and frame of the file.
/// Source: RFC 9649, section 2.
struct WebPStructure {
    private(set) var width = 0
    private(set) var height = 0
    private(set) var hasAlpha = false
    private(set) var orientation = Orientation.upright
    private(set) var frame = Frame()

    /// Bytes per pixel during decoding: alpha is the fourth.
    var pixelBytes: Int { hasAlpha ? 4 : 3 }

    /// The part of the canvas that the first frame covers.
    struct Frame {
        /// The frame's chunks in the file, for libwebp: VP8L, or VP8 with the ALPH before it.
        var bytes = 0..<0
        var left = 0
        var top = 0
        var width = 0
        var height = 0
    }

    /// The flags of VP8X.
    private struct Features {
        let flags: UInt8

        var isAnimated: Bool { flags & 0x02 != 0 }
        var hasXMP: Bool { flags & 0x04 != 0 }
        var hasEXIF: Bool { flags & 0x08 != 0 }
        var hasAlpha: Bool { flags & 0x10 != 0 }
    }

    private struct Chunk {
        let type: Int
        let offset: Int
        /// The payload, without the byte that pads it to an even length.
        let payload: Range<Int>
        /// Where the next chunk begins.
        let end: Int
    }

    private enum ChunkType {
        static let lossy = 0x5650_3820
        static let lossless = 0x5650_384c
        static let extended = 0x5650_3858
        static let alpha = 0x414c_5048
        static let frame = 0x414e_4d46
        static let exif = 0x4558_4946
        static let xmp = 0x584d_5020
    }

    /// With `headerOnly` the walk stops at the first chunk, which has the size.
    ///
    /// - Throws: `ImageDecodeError`.
    init(_ bytes: UnsafeRawBufferPointer, headerOnly: Bool = false) throws(ImageDecodeError) {
        var reader = ByteReader(bytes: bytes)
        reader.bigEndian = false
        guard let size = reader.uint32(at: 4), bytes.count >= 8 + size else {
            throw .truncated(byteCount: bytes.count)
        }
        // What follows the RIFF chunk is no part of the image.
        let end = 8 + size
        let first = try Self.chunk(at: 12, in: bytes, end: end)
        guard first.type == ChunkType.extended else {
            frame = try Self.frame(at: first.offset, end: first.end, in: bytes)
            (width, height) = (frame.width, frame.height)
            hasAlpha = try Self.features(bytes, frame.bytes).has_alpha != 0
            return
        }
        guard first.payload.count >= 10, let flags = reader.uint8(at: 20), let corner = reader.uint24(at: 24),
            let lower = reader.uint24(at: 27)
        else { throw .malformedWebP(chunk: "VP8X", offset: first.offset) }
        (width, height) = (corner + 1, lower + 1)
        if headerOnly { return }
        try walk(bytes, from: first.end, to: end, Features(flags: flags))
    }

    private mutating func walk(
        _ bytes: UnsafeRawBufferPointer,
        from start: Int,
        to end: Int,
        _ features: Features
    ) throws(ImageDecodeError) {
        var metadata = OrientationMetadata()
        var alpha: Int?
        var hasFrame = false
        var offset = start
        while offset < end {
            let chunk = try Self.chunk(at: offset, in: bytes, end: end)
            switch chunk.type {
            case ChunkType.frame where features.isAnimated && !hasFrame:
                frame = try Self.animationFrame(chunk, in: bytes)
                hasFrame = true
            case ChunkType.alpha where features.hasAlpha && !features.isAnimated && !hasFrame:
                alpha = chunk.offset
            case ChunkType.lossy where !features.isAnimated && !hasFrame:
                frame = try Self.frame(at: alpha ?? chunk.offset, end: chunk.end, in: bytes)
                hasFrame = true
            case ChunkType.lossless where !features.isAnimated && !hasFrame:
                frame = try Self.frame(at: chunk.offset, end: chunk.end, in: bytes)
                hasFrame = true
            case ChunkType.exif where features.hasEXIF && metadata.exif == nil:
                metadata.exif = UnsafeRawBufferPointer(rebasing: bytes[chunk.payload])
            case ChunkType.xmp where features.hasXMP && metadata.xmp == nil:
                metadata.xmp = UnsafeRawBufferPointer(rebasing: bytes[chunk.payload])
            default:
                break
            }
            offset = chunk.end
        }
        guard hasFrame else { throw .missingFrame }
        let isWithin =
            features.isAnimated
            ? frame.left + frame.width <= width && frame.top + frame.height <= height
            : frame.width == width && frame.height == height
        guard isWithin else { throw .frameOutsideCanvas(width: frame.width, height: frame.height) }
        // As libwebp and Pillow: an animation's canvas has alpha if its header says so, a still image if its pixels do.
        hasAlpha = try features.isAnimated ? features.hasAlpha : Self.features(bytes, frame.bytes).has_alpha != 0
        orientation = metadata.orientation
    }

    private static func chunk(
        at offset: Int,
        in bytes: UnsafeRawBufferPointer,
        end: Int
    ) throws(ImageDecodeError) -> Chunk {
        var reader = ByteReader(bytes: UnsafeRawBufferPointer(rebasing: bytes[..<end]))
        guard let type = reader.uint32(at: offset) else { throw .truncated(byteCount: bytes.count) }
        reader.bigEndian = false
        guard let length = reader.uint32(at: offset + 4) else { throw .truncated(byteCount: bytes.count) }
        let payload = offset + 8..<offset + 8 + length
        guard payload.upperBound <= end else { throw .malformedWebP(chunk: chunkName(type), offset: offset) }
        // Some writers leave out the last chunk's padding.
        return Chunk(type: type, offset: offset, payload: payload, end: min(end, payload.upperBound + length % 2))
    }

    /// The size is that of the compressed image, which is what libwebp will decode.
    private static func frame(
        at start: Int,
        end: Int,
        in bytes: UnsafeRawBufferPointer
    ) throws(ImageDecodeError) -> Frame {
        let features = try features(bytes, start..<end)
        return Frame(bytes: start..<end, width: Int(features.width), height: Int(features.height))
    }

    /// An ANMF chunk: the frame's place on the canvas, and the chunks of its image.
    private static func animationFrame(
        _ chunk: Chunk,
        in bytes: UnsafeRawBufferPointer
    ) throws(ImageDecodeError) -> Frame {
        var reader = ByteReader(bytes: bytes)
        reader.bigEndian = false
        guard chunk.payload.count >= 16, let left = reader.uint24(at: chunk.payload.lowerBound),
            let top = reader.uint24(at: chunk.payload.lowerBound + 3)
        else { throw .malformedWebP(chunk: chunkName(chunk.type), offset: chunk.offset) }
        let start = chunk.payload.lowerBound + 16
        var offset = start
        while offset < chunk.payload.upperBound {
            let part = try Self.chunk(at: offset, in: bytes, end: chunk.payload.upperBound)
            if part.type == ChunkType.lossy || part.type == ChunkType.lossless {
                var frame = try frame(at: start, end: part.end, in: bytes)
                (frame.left, frame.top) = (2 * left, 2 * top)
                return frame
            }
            offset = part.end
        }
        throw .missingFrame
    }

    /// What libwebp reads from the header of a compressed image.
    private static func features(
        _ bytes: UnsafeRawBufferPointer,
        _ range: Range<Int>
    ) throws(ImageDecodeError) -> WebPBitstreamFeatures {
        var features = WebPBitstreamFeatures()
        let image = UnsafeRawBufferPointer(rebasing: bytes[range]).bindMemory(to: UInt8.self)
        let status = WebPGetFeatures(image.baseAddress, image.count, &features)
        guard status == VP8_STATUS_OK else { throw .corruptWebP(status: Int32(status.rawValue)) }
        return features
    }
}
