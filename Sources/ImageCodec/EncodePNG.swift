// SPDX-License-Identifier: Apache-2.0

internal import CSPNG
internal import Glibc

/// Encodes an 8-bit RGB PNG; fast rather than small, with the same bytes for the same image.
///
/// - Throws: `ImageEncodeError.sideTooLong` (libspng allows sides below 2^31).
package func encodePNG(_ image: RGBImage) throws(ImageEncodeError) -> [UInt8] {
    let limit = Int(Int32.max)
    guard image.width <= limit, image.height <= limit else {
        throw .sideTooLong(width: image.width, height: image.height, limit: limit)
    }
    guard let context = spng_ctx_new(Int32(SPNG_CTX_ENCODER.rawValue)) else { preconditionFailure("out of memory") }
    defer { spng_ctx_free(context) }
    var header = spng_ihdr()
    header.width = UInt32(image.width)
    header.height = UInt32(image.height)
    header.bit_depth = 8
    header.color_type = UInt8(SPNG_COLOR_TYPE_TRUECOLOR.rawValue)
    spng_set_ihdr(context, &header)
    spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1)
    spng_set_option(context, SPNG_IMG_COMPRESSION_LEVEL, 1)
    spng_set_option(context, SPNG_FILTER_CHOICE, Int32(SPNG_FILTER_CHOICE_SUB.rawValue))
    var status = spng_encode_image(
        context,
        image.pixels,
        image.pixels.count,
        Int32(SPNG_FMT_PNG.rawValue),
        Int32(SPNG_ENCODE_FINALIZE.rawValue)
    )
    var length = 0
    guard status == 0, let bytes = spng_get_png_buffer(context, &length, &status) else {
        preconditionFailure("out of memory")
    }
    defer { free(bytes) }
    return [UInt8](UnsafeRawBufferPointer(start: bytes, count: length))
}
