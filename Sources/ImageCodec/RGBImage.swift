// SPDX-License-Identifier: Apache-2.0

/// An upright 8-bit RGB image.
package struct RGBImage: Sendable, Equatable {
    package let width: Int
    package let height: Int
    /// `[height, width, 3]`, row-major.
    package var pixels: [UInt8]

    /// - Precondition: `pixels` holds `width * height * 3` values and neither side is zero.
    package init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0 && pixels.count == width * height * 3, "pixels must be [height, width, 3]")
        self.width = width
        self.height = height
        self.pixels = pixels
    }
}

/// Limits of an image's size, checked before its pixels are decoded.
package struct ImageLimits: Sendable {
    /// Width times height.
    package var maximumPixels: Int
    /// Either side, in pixels.
    package var maximumSide: Int
    /// Scans of one JPEG: each costs a pass over all coefficients, even if it has few bytes.
    package var maximumScans: Int

    package init(maximumPixels: Int = 64_000_000, maximumSide: Int = 16384, maximumScans: Int = 100) {
        self.maximumPixels = maximumPixels
        self.maximumSide = maximumSide
        self.maximumScans = maximumScans
    }

    /// The checks before any pixel memory is allocated.
    func check(width: Int, height: Int) throws(ImageDecodeError) {
        guard width > 0, height > 0 else { throw .emptyImage(width: width, height: height) }
        guard width <= maximumSide, height <= maximumSide else {
            throw .sideTooLong(width: width, height: height, limit: maximumSide)
        }
        // Both header formats keep a side below 2^31, so the product fits.
        guard width * height <= maximumPixels else {
            throw .tooManyPixels(width: width, height: height, limit: maximumPixels)
        }
    }
}

/// Whether the EXIF orientation is applied.
package enum EXIFPolicy: Sendable {
    case apply
    case ignore
}
