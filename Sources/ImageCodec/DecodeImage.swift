// SPDX-License-Identifier: Apache-2.0

/// Decodes a JPEG, PNG or WebP to upright 8-bit RGB (docs/model.md, "Image in").
///
/// Grey, palette, CMYK/YCCK, 16-bit and transparent images become RGB; alpha is composed on white. Of an animated WebP
/// the first frame is taken.
///
/// - Throws: `ImageDecodeError`; never traps. Pixels take at most four bytes each within `limits`, besides what the
///   libraries need while they decode: coefficients of a progressive JPEG, four bytes a pixel of a lossless WebP.
package func decodeImage(
    _ bytes: UnsafeRawBufferPointer,
    limits: ImageLimits = ImageLimits(),
    exif: EXIFPolicy = .apply
) throws(ImageDecodeError) -> RGBImage {
    let structure = try ImageStructure(bytes, limits: limits)
    let (width, height) = structure.size
    let orientation = structure.orientation(exif)
    guard orientation == .upright else {
        let memory = try PixelMemory(checking: structure.byteCount)
        try structure.decode(bytes, into: memory.base)
        return orientation.applied(to: memory.base, width: width, height: height)
    }
    var failure: ImageDecodeError?
    let pixels = [UInt8](unsafeUninitializedCapacity: structure.byteCount) { target, count in
        guard let start = target.baseAddress else { return }
        do throws(ImageDecodeError) {
            try structure.decode(bytes, into: start)
            count = 3 * width * height
        } catch {
            failure = error
        }
    }
    if let failure { throw failure }
    return RGBImage(width: width, height: height, pixels: pixels)
}

/// Decodes and crops in one step, equal to `decodeImage(...).centerCropped(to: side)` to the bit.
///
/// A rotated image is never copied at full size: the crop is taken from the stored image, and only the result is rotated.
package func decodeCenterCropped(
    _ bytes: UnsafeRawBufferPointer,
    to side: Int,
    limits: ImageLimits = ImageLimits(),
    exif: EXIFPolicy = .apply
) throws(ImageDecodeError) -> RGBImage {
    let structure = try ImageStructure(bytes, limits: limits)
    let memory = try PixelMemory(checking: structure.byteCount)
    try structure.decode(bytes, into: memory.base)
    let (width, height) = structure.size
    let plan = ResamplePlan(centerCrop: side, width: width, height: height, structure.orientation(exif))
    return plan.run(overwriting: memory.base)
}

/// Decodes and squashes in one go, equal to `decodeImage(...).squashed(to: side)` to the bit; see
/// ``decodeCenterCropped(_:to:limits:exif:)``.
package func decodeSquashed(
    _ bytes: UnsafeRawBufferPointer,
    to side: Int,
    limits: ImageLimits = ImageLimits(),
    exif: EXIFPolicy = .apply
) throws(ImageDecodeError) -> RGBImage {
    let structure = try ImageStructure(bytes, limits: limits)
    let memory = try PixelMemory(checking: structure.byteCount)
    try structure.decode(bytes, into: memory.base)
    let (width, height) = structure.size
    let plan = ResamplePlan(squash: side, width: width, height: height, structure.orientation(exif))
    return plan.run(overwriting: memory.base)
}
