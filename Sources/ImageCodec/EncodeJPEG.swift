// SPDX-License-Identifier: Apache-2.0

internal import CTurboJPEG

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
    guard let handle = tjInitCompress() else { preconditionFailure("out of memory") }
    defer { tjDestroy(handle) }
    let subsampling = Int32(TJSAMP_420.rawValue)
    let capacity = Int(tjBufSize(Int32(image.width), Int32(image.height), subsampling))
    return [UInt8](unsafeUninitializedCapacity: capacity) { target, count in
        var start = target.baseAddress
        var size = UInt(capacity)
        let status = tjCompress2(
            handle,
            image.pixels,
            Int32(image.width),
            0,
            Int32(image.height),
            TJPF_RGB.rawValue,
            &start,
            &size,
            subsampling,
            Int32(quality),
            TJFLAG_NOREALLOC | TJFLAG_ACCURATEDCT
        )
        precondition(status == 0, "a checked image in a buffer of the library's own size cannot fail")
        count = Int(size)
    }
}
