// SPDX-License-Identifier: Apache-2.0

/// Decodes a JPEG or PNG file to 8-bit RGB: grey, palette, CMYK, 16-bit and alpha pictures become RGB, alpha on white.
///
/// - Parameters:
///   - bytes: the whole file.
///   - limits: held against the header before pixels are decoded.
///   - exif: whether to turn the picture upright.
/// - Throws: `ImageDecodeError`; no input traps.
/// - Source: model.md section 1; equal to Pillow's `convert("RGB")` to the bit but for 16-bit PNG (high byte) and alpha.
package func decodeImage(
    _ bytes: UnsafeRawBufferPointer,
    limits: ImageLimits = ImageLimits(),
    exif: EXIFPolicy = .apply
) throws(ImageDecodeError) -> RGBImage {
    let image: RGBImage
    let orientation: EXIFOrientation
    switch ImageFormat.sniff(bytes) {
    case .jpeg:
        let structure = try JPEGStructure(bytes)
        image = try decodeJPEG(bytes, structure, limits: limits)
        orientation = structure.exif.flatMap { EXIFOrientation(tiff: bytes, range: $0) } ?? .upright
    case .png:
        let structure = try PNGStructure(bytes)
        image = try decodePNG(bytes, structure, limits: limits)
        orientation = structure.exif.flatMap { EXIFOrientation(tiff: bytes, range: $0) } ?? .upright
    case nil: throw .notAnImage
    }
    return exif == .apply ? image.turned(orientation) : image
}

/// Reads a picture's format and size off its header, before orientation.
package func imageSize(
    _ bytes: UnsafeRawBufferPointer
) throws(ImageDecodeError) -> (format: ImageFormat, width: Int, height: Int) {
    switch ImageFormat.sniff(bytes) {
    case .jpeg:
        let structure = try JPEGStructure(bytes)
        return (.jpeg, structure.width, structure.height)
    case .png:
        let structure = try PNGStructure(bytes)
        return (.png, structure.width, structure.height)
    case nil: throw .notAnImage
    }
}

/// Bounds-checked reads from a file: nil instead of a trap past its end.
extension UnsafeRawBufferPointer {
    func byte(_ offset: Int) -> Int? {
        indices.contains(offset) ? Int(self[offset]) : nil
    }

    func bigEndian16(_ offset: Int) -> Int? {
        guard let high = byte(offset), let low = byte(offset + 1) else { return nil }
        return high << 8 | low
    }

    func bigEndian32(_ offset: Int) -> Int? {
        guard let high = bigEndian16(offset), let low = bigEndian16(offset + 2) else { return nil }
        return high << 16 | low
    }
}
