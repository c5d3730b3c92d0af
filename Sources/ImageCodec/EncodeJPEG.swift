// SPDX-License-Identifier: Apache-2.0

internal import CJPEG
internal import Glibc

/// Encodes a baseline JPEG with 4:2:0 chroma; `quality` is libjpeg's scale, 1...100.
///
/// - Throws: `ImageEncodeError.qualityOutOfRange`, `.sideTooLong` (a JPEG side has 16 bits).
package func encodeJPEG(_ image: RGBImage, quality: Int) throws(ImageEncodeError) -> [UInt8] {
    guard (1...100).contains(quality) else { throw .qualityOutOfRange(quality: quality, allowed: 1...100) }
    // JPEG_MAX_DIMENSION of libjpeg.
    let limit = 65500
    guard image.width <= limit, image.height <= limit else {
        throw .sideTooLong(width: image.width, height: image.height, limit: limit)
    }
    var length = 0
    guard
        let bytes = cjpeg_encode(image.pixels, Int32(image.width), Int32(image.height), Int32(quality), &length)
    else { preconditionFailure("out of memory") }
    defer { free(bytes) }
    return [UInt8](UnsafeRawBufferPointer(start: bytes, count: length))
}
