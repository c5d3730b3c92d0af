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

/// Decodes a PNG to RGB as it is stored: 16-bit values keep their high byte, alpha is composed on white.
///
/// The decoder inflates row by row and stops at the rows that IHDR states, whatever more the stream holds.
func decodePNG(_ bytes: UnsafeRawBufferPointer, _ structure: PNGStructure) throws(ImageDecodeError) -> RGBImage {
    guard let context = spng_ctx_new(0) else { preconditionFailure("out of memory") }
    defer { spng_ctx_free(context) }
    let (width, height) = (structure.width, structure.height)
    var stream = ChunkStream(bytes: bytes, ranges: structure.pixelRanges[...])
    let pixelBytes = structure.hasAlpha ? 4 : 3
    let byteCount = width * height * pixelBytes
    var status: Int32 = 0
    let pixels = withUnsafeMutablePointer(to: &stream) { stream in
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
        // The header is checked in full before the pixel memory is taken.
        var header = spng_ihdr()
        status = spng_get_ihdr(context, &header)
        guard status == 0 else { return [UInt8]() }
        return [UInt8](unsafeUninitializedCapacity: byteCount) { target, count in
            let format = structure.hasAlpha ? SPNG_FMT_RGBA8 : SPNG_FMT_RGB8
            let flags = structure.hasAlpha ? SPNG_DECODE_TRNS.rawValue : 0
            status = spng_decode_image(context, target.baseAddress, byteCount, Int32(format.rawValue), Int32(flags))
            guard status == 0, let start = target.baseAddress else { return }
            if structure.hasAlpha { cpixels_compose_on_white(start, width * height) }
            count = width * height * 3
        }
    }
    switch status {
    case 0:
        return RGBImage(width: width, height: height, pixels: pixels)
    case Int32(SPNG_EIDAT_TOO_SHORT.rawValue), SPNG_IO_EOF.rawValue:
        throw .imageDataTooShort
    default:
        throw .corruptPNG(code: status)
    }
}
