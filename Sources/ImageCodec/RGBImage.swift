// SPDX-License-Identifier: Apache-2.0

/// An 8-bit RGB picture.
package struct RGBImage: Sendable, Equatable {
    package let width: Int
    package let height: Int
    /// `[height, width, 3]`, row-major, sRGB as stored in the file.
    package var pixels: [UInt8]

    /// - Precondition: `pixels` holds `width * height * 3` bytes, and both sides are positive.
    package init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0 && pixels.count == width * height * 3)
        self.width = width
        self.height = height
        self.pixels = pixels
    }
}

/// The picture formats that are read and written.
package enum ImageFormat: String, Sendable, CaseIterable {
    case jpeg
    case png

    private static let pngSignature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    /// The format by a file's first bytes; nil: neither.
    package static func sniff(_ bytes: some Collection<UInt8>) -> ImageFormat? {
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return .jpeg }
        if bytes.starts(with: pngSignature) { return .png }
        return nil
    }
}

/// Bounds that a picture's header is held to before any pixel memory is taken.
package struct ImageLimits: Sendable {
    package var maximumPixels: Int
    package var maximumSide: Int
    /// Passes over a progressive JPEG; files in the wild have about ten, each costs a walk over the whole picture.
    package var maximumScans: Int

    package init(maximumPixels: Int = 64_000_000, maximumSide: Int = 16_384, maximumScans: Int = 100) {
        self.maximumPixels = maximumPixels
        self.maximumSide = maximumSide
        self.maximumScans = maximumScans
    }

    func check(width: Int, height: Int) throws(ImageDecodeError) {
        guard width > 0, height > 0 else { throw .emptyPicture(width: width, height: height) }
        guard max(width, height) <= maximumSide else {
            throw .sideTooLong(width: width, height: height, limit: maximumSide)
        }
        guard width * height <= maximumPixels else {
            throw .tooManyPixels(width: width, height: height, limit: maximumPixels)
        }
    }
}

/// Whether a picture is turned upright as its EXIF orientation says.
package enum EXIFPolicy: Sendable {
    case apply
    case ignore
}

/// Why bytes do not become a picture.
package enum ImageDecodeError: Error, Equatable {
    case notAnImage
    case emptyPicture(width: Int, height: Int)
    case sideTooLong(width: Int, height: Int, limit: Int)
    case tooManyPixels(width: Int, height: Int, limit: Int)
    case tooManyScans(count: Int, limit: Int)
    /// The file ends before the picture does.
    case truncated(format: ImageFormat, bytes: Int)
    /// A marker or chunk at `offset` breaks the format.
    case malformed(format: ImageFormat, offset: Int)
    /// The library gave up on the compressed data.
    case corrupt(format: ImageFormat, reason: String)
    case unsupported(format: ImageFormat, feature: String)
}

/// Why a picture does not become a file.
package enum ImageEncodeError: Error, Equatable {
    case qualityOutOfRange(Int)
    case libraryFailed(format: ImageFormat, reason: String)
}
