// SPDX-License-Identifier: Apache-2.0

/// A file's headers, parsed and checked against the limits; nothing is decoded yet.
enum ImageStructure {
    case jpeg(JPEGStructure)
    case png(PNGStructure)
    case webp(WebPStructure)

    /// The size is checked as soon as the header is read, before the rest of the file is walked.
    init(_ bytes: UnsafeRawBufferPointer, limits: ImageLimits) throws(ImageDecodeError) {
        switch ImageFormat.sniff(bytes) {
        case .jpeg:
            let header = try JPEGStructure(bytes, maximumScans: limits.maximumScans, headerOnly: true)
            try limits.check(width: header.width, height: header.height)
            self = .jpeg(try JPEGStructure(bytes, maximumScans: limits.maximumScans))
        case .png:
            let header = try PNGStructure(bytes, headerOnly: true)
            try limits.check(width: header.width, height: header.height)
            self = .png(try PNGStructure(bytes))
        case .webp:
            let header = try WebPStructure(bytes, headerOnly: true)
            try limits.check(width: header.width, height: header.height)
            self = .webp(try WebPStructure(bytes))
        case nil:
            throw .notAnImage
        }
    }

    /// As stored, in pixels.
    var size: (width: Int, height: Int) {
        switch self {
        case .jpeg(let jpeg): (jpeg.width, jpeg.height)
        case .png(let png): (png.width, png.height)
        case .webp(let webp): (webp.width, webp.height)
        }
    }

    /// What `decode(_:into:)` needs: three bytes a pixel, or four while CMYK or alpha is converted.
    var byteCount: Int {
        switch self {
        case .jpeg(let jpeg): jpeg.width * jpeg.height * jpeg.pixelBytes
        case .png(let png): png.width * png.height * png.pixelBytes
        case .webp(let webp): webp.width * webp.height * webp.pixelBytes
        }
    }

    func orientation(_ policy: EXIFPolicy) -> Orientation {
        switch (policy, self) {
        case (.ignore, _): .upright
        case (.apply, .jpeg(let jpeg)): jpeg.orientation
        case (.apply, .png(let png)): png.orientation
        case (.apply, .webp(let webp)): webp.orientation
        }
    }

    /// Decodes the image as stored, `[height, width, 3]`, to the front of `target`.
    func decode(
        _ bytes: UnsafeRawBufferPointer,
        into target: UnsafeMutablePointer<UInt8>
    ) throws(ImageDecodeError) {
        switch self {
        case .jpeg(let jpeg): try decodeJPEG(bytes, jpeg, into: target)
        case .png(let png): try decodePNG(bytes, png, into: target)
        case .webp(let webp): try decodeWebP(bytes, webp, into: target)
        }
    }
}
