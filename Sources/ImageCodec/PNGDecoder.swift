// SPDX-License-Identifier: Apache-2.0

internal import CPixels
internal import CSPNG
internal import Glibc

/// The file's bytes as libspng pulls them: the kept ranges, one after the other.
private struct ChunkStream {
    let bytes: UnsafeRawBufferPointer
    var ranges: ArraySlice<Range<Int>>

    mutating func read(into target: UnsafeMutableRawPointer, _ count: Int) -> Bool {
        var written = 0
        while written < count {
            guard let range = ranges.first, let base = bytes.baseAddress else { return false }
            let length = min(count - written, range.count)
            memcpy(target + written, base + range.lowerBound, length)
            written += length
            if length == range.count {
                ranges.removeFirst()
            } else {
                ranges[ranges.startIndex] = range.lowerBound + length..<range.upperBound
            }
        }
        return true
    }
}

/// Decodes a PNG to RGB as stored: 16-bit values keep their high byte, alpha is composed on white.
///
/// The decoder inflates row by row and stops after the rows that IHDR states, even if the stream holds more.
///
/// - Parameters:
///   - bytes: the whole file.
///   - structure: the content of its chunks.
///   - target: `width * height * structure.pixelBytes` bytes; the image is at their front.
/// - Throws: `ImageDecodeError.imageDataTooShort`, `.corruptPNG`.
func decodePNG(
    _ bytes: UnsafeRawBufferPointer,
    _ structure: PNGStructure,
    into target: UnsafeMutablePointer<UInt8>
) throws(ImageDecodeError) {
    guard let context = spng_ctx_new(0) else { preconditionFailure("out of memory") }
    defer { spng_ctx_free(context) }
    let pixelCount = structure.width * structure.height
    let format = structure.hasAlpha ? SPNG_FMT_RGBA8 : SPNG_FMT_RGB8
    let flags = structure.hasAlpha ? SPNG_DECODE_TRNS.rawValue : 0
    var stream = ChunkStream(bytes: bytes, ranges: structure.pixelRanges[...])
    let status = withUnsafeMutablePointer(to: &stream) { stream in
        // The chunk walk has checked every checksum.
        spng_set_crc_action(context, Int32(SPNG_CRC_USE.rawValue), Int32(SPNG_CRC_USE.rawValue))
        spng_set_png_stream(
            context,
            { _, user, target, length in
                guard let stream = user?.assumingMemoryBound(to: ChunkStream.self), let target else {
                    return SPNG_IO_ERROR.rawValue
                }
                return stream.pointee.read(into: target, length) ? 0 : SPNG_IO_EOF.rawValue
            },
            stream
        )
        return spng_decode_image(
            context,
            target,
            pixelCount * structure.pixelBytes,
            Int32(format.rawValue),
            Int32(flags)
        )
    }
    switch status {
    case 0:
        if structure.hasAlpha { cpixels_compose_on_white(target, pixelCount) }
    case Int32(SPNG_EIDAT_TOO_SHORT.rawValue), SPNG_IO_EOF.rawValue:
        throw .imageDataTooShort
    default:
        throw .corruptPNG(code: status)
    }
}
