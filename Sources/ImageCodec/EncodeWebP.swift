// SPDX-License-Identifier: Apache-2.0

internal import CWebP

/// Encodes a lossy WebP; `quality` is libwebp's scale, 1...100.
///
/// - Throws: `ImageEncodeError.qualityOutOfRange`, `.sideTooLong` (a WebP side has 14 bits).
package func encodeWebP(_ image: RGBImage, quality: Int) throws(ImageEncodeError) -> [UInt8] {
    guard (1...100).contains(quality) else { throw .qualityOutOfRange(quality: quality, allowed: 1...100) }
    let limit = Int(WEBP_MAX_DIMENSION)
    guard image.width <= limit, image.height <= limit else {
        throw .sideTooLong(width: image.width, height: image.height, limit: limit)
    }
    var bytes: UnsafeMutablePointer<UInt8>?
    let (width, height) = (Int32(image.width), Int32(image.height))
    let length = WebPEncodeRGB(image.pixels, width, height, 3 * width, Float(quality), &bytes)
    // 0 is a failure.
    guard length > 0, let bytes else { preconditionFailure("out of memory") }
    defer { WebPFree(bytes) }
    return [UInt8](UnsafeRawBufferPointer(start: bytes, count: length))
}
