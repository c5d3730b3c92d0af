// SPDX-License-Identifier: Apache-2.0

import CSPNG
import Glibc

/// Decodes the pixels of a PNG whose chunks have been checked; alpha is composed on white.
func decodePNG(
    _ bytes: UnsafeRawBufferPointer,
    _ structure: PNGStructure,
    limits: ImageLimits
) throws(ImageDecodeError) -> RGBImage {
    try limits.check(width: structure.width, height: structure.height)
    var file: [UInt8] = Array(bytes[..<8])
    file.reserveCapacity(structure.neededChunks.reduce(8) { $0 + $1.count })
    for chunk in structure.neededChunks { file.append(contentsOf: bytes[chunk]) }
    guard let decoder = spng_ctx_new(0) else { throw .corrupt(format: .png, reason: "no decoder") }
    defer { spng_ctx_free(decoder) }
    spng_set_image_limits(decoder, UInt32(structure.width), UInt32(structure.height))
    spng_set_crc_action(decoder, Int32(SPNG_CRC_ERROR.rawValue), Int32(SPNG_CRC_ERROR.rawValue))
    let hasAlpha = structure.hasAlpha
    let format = Int32((hasAlpha ? SPNG_FMT_RGBA8 : SPNG_FMT_RGB8).rawValue)
    let flags = hasAlpha ? Int32(SPNG_DECODE_TRNS.rawValue) : 0
    let pixelCount = structure.width * structure.height
    var failure: Int32 = 0
    var pixels = file.withUnsafeBufferPointer { source in
        failure = spng_set_png_buffer(decoder, source.baseAddress, source.count)
        var size = 0
        if failure == 0 { failure = spng_decoded_image_size(decoder, format, &size) }
        let expected = pixelCount * (hasAlpha ? 4 : 3)
        if failure == 0, size != expected { failure = Int32(SPNG_EINTERNAL.rawValue) }
        if failure != 0 { return [UInt8]() }
        return [UInt8](unsafeUninitializedCapacity: expected) { buffer, count in
            failure = spng_decode_image(decoder, buffer.baseAddress, expected, format, flags)
            if failure == 0 { count = expected }
        }
    }
    if failure != 0 { throw .corrupt(format: .png, reason: String(cString: spng_strerror(failure))) }
    if hasAlpha { composeOnWhite(&pixels, pixelCount: pixelCount) }
    return RGBImage(width: structure.width, height: structure.height, pixels: pixels)
}

/// RGBA to RGB in place: t = s a + 255 (255 - a) + 128, result (t + (t >> 8)) >> 8.
private func composeOnWhite(_ pixels: inout [UInt8], pixelCount: Int) {
    pixels.withUnsafeMutableBufferPointer { buffer in
        for pixel in 0..<pixelCount {
            let alpha = Int(buffer[4 * pixel + 3])
            for channel in 0..<3 {
                let sum = Int(buffer[4 * pixel + channel]) * alpha + 255 * (255 - alpha) + 128
                buffer[3 * pixel + channel] = UInt8(truncatingIfNeeded: (sum + sum >> 8) >> 8)
            }
        }
    }
    pixels.removeLast(pixelCount)
}

/// Encodes an 8-bit RGB PNG; the same picture gives the same bytes.
///
/// - Throws: `ImageEncodeError`.
package func encodePNG(_ image: RGBImage) throws(ImageEncodeError) -> [UInt8] {
    guard let encoder = spng_ctx_new(Int32(SPNG_CTX_ENCODER.rawValue)) else {
        throw .libraryFailed(format: .png, reason: "no encoder")
    }
    defer { spng_ctx_free(encoder) }
    spng_set_option(encoder, SPNG_ENCODE_TO_BUFFER, 1)
    // Level 2 with two cheap filters: a fifth of the time of zlib's default for a few per cent more bytes.
    spng_set_option(encoder, SPNG_IMG_COMPRESSION_LEVEL, 2)
    spng_set_option(
        encoder, SPNG_FILTER_CHOICE, Int32(SPNG_FILTER_CHOICE_SUB.rawValue | SPNG_FILTER_CHOICE_UP.rawValue)
    )
    var header = spng_ihdr(
        width: UInt32(image.width),
        height: UInt32(image.height),
        bit_depth: 8,
        color_type: UInt8(SPNG_COLOR_TYPE_TRUECOLOR.rawValue),
        compression_method: 0,
        filter_method: 0,
        interlace_method: 0
    )
    var result = spng_set_ihdr(encoder, &header)
    if result == 0 {
        result = image.pixels.withUnsafeBufferPointer { pixels in
            spng_encode_image(
                encoder, pixels.baseAddress, pixels.count, Int32(SPNG_FMT_PNG.rawValue),
                Int32(SPNG_ENCODE_FINALIZE.rawValue)
            )
        }
    }
    var length = 0
    guard result == 0, let buffer = spng_get_png_buffer(encoder, &length, &result) else {
        throw .libraryFailed(format: .png, reason: String(cString: spng_strerror(result)))
    }
    defer { free(buffer) }
    return [UInt8](UnsafeRawBufferPointer(start: buffer, count: length))
}
