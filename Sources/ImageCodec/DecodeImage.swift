// SPDX-License-Identifier: Apache-2.0

/// A decoded picture as the file stores it, and how to turn it upright.
struct StoredImage {
    let image: RGBImage
    let orientation: Orientation

    /// Header dimensions are held against the limits before any pixel memory is taken.
    init(_ bytes: UnsafeRawBufferPointer, limits: ImageLimits, exif: EXIFPolicy) throws(ImageDecodeError) {
        switch ImageFormat.sniff(bytes) {
        case .jpeg:
            let header = try JPEGStructure(bytes, maximumScans: limits.maximumScans, headerOnly: true)
            try limits.check(width: header.width, height: header.height)
            let structure = try JPEGStructure(bytes, maximumScans: limits.maximumScans)
            image = try decodeJPEG(bytes, structure)
            orientation = exif == .apply ? structure.orientation : .upright
        case .png:
            let header = try PNGStructure(bytes, headerOnly: true)
            try limits.check(width: header.width, height: header.height)
            let structure = try PNGStructure(bytes)
            image = try decodePNG(bytes, structure)
            orientation = exif == .apply ? structure.orientation : .upright
        case nil:
            throw .notAnImage
        }
    }
}

/// Decodes a JPEG or PNG to upright 8-bit RGB (model.md 1.1).
///
/// Grey, palette, CMYK/YCCK, 16-bit and transparent pictures become RGB; alpha is composed on white.
/// - Throws: `ImageDecodeError`; never traps, and never takes more memory than four bytes a pixel within `limits`
///   (progressive JPEGs: six more, libjpeg's coefficients).
package func decodeImage(
    _ bytes: UnsafeRawBufferPointer,
    limits: ImageLimits = ImageLimits(),
    exif: EXIFPolicy = .apply
) throws(ImageDecodeError) -> RGBImage {
    let stored = try StoredImage(bytes, limits: limits, exif: exif)
    return stored.orientation.applied(to: stored.image)
}

/// A file's picture format and its size as stored (before any orientation), from the header alone.
package func imageSize(
    _ bytes: UnsafeRawBufferPointer
) throws(ImageDecodeError) -> (format: ImageFormat, width: Int, height: Int) {
    switch ImageFormat.sniff(bytes) {
    case .jpeg:
        let header = try JPEGStructure(bytes, maximumScans: .max, headerOnly: true)
        return (.jpeg, header.width, header.height)
    case .png:
        let header = try PNGStructure(bytes, headerOnly: true)
        return (.png, header.width, header.height)
    case nil:
        throw .notAnImage
    }
}

/// Decodes and crops in one go, equal to `decodeImage(...).centerCropped(to: side)` to the bit, but a turned picture
/// is never copied at full size: the crop is taken from the picture as stored and only the result is turned.
package func decodeCenterCropped(
    _ bytes: UnsafeRawBufferPointer,
    to side: Int,
    limits: ImageLimits = ImageLimits(),
    exif: EXIFPolicy = .apply
) throws(ImageDecodeError) -> RGBImage {
    let stored = try StoredImage(bytes, limits: limits, exif: exif)
    return centerCropped(stored.image, orientation: stored.orientation, to: side)
}

/// Decodes and squashes in one go, equal to `decodeImage(...).squashed(to: side)` to the bit; see
/// ``decodeCenterCropped(_:to:limits:exif:)``.
package func decodeSquashed(
    _ bytes: UnsafeRawBufferPointer,
    to side: Int,
    limits: ImageLimits = ImageLimits(),
    exif: EXIFPolicy = .apply
) throws(ImageDecodeError) -> RGBImage {
    let stored = try StoredImage(bytes, limits: limits, exif: exif)
    return squashed(stored.image, orientation: stored.orientation, to: side)
}
