// SPDX-License-Identifier: Apache-2.0

internal import CPixels
internal import Glibc

/// How a stored image is made upright: the eight values of EXIF tag 0x0112 as three independent flags.
///
/// The upright image is the stored one, transposed if `transposes`, then mirrored along the upright axes.
struct Orientation: Equatable {
    var transposes = false
    var mirrorsX = false
    var mirrorsY = false

    static let upright = Orientation()

    private init() {}

    /// - Parameter exif: the tag's value; `nil` outside 1...8.
    init?(exif: Int) {
        switch exif {
        case 1: break
        case 2: mirrorsX = true
        case 3: (mirrorsX, mirrorsY) = (true, true)
        case 4: mirrorsY = true
        case 5: transposes = true
        case 6: (transposes, mirrorsX) = (true, true)
        case 7: (transposes, mirrorsX, mirrorsY) = (true, true, true)
        case 8: (transposes, mirrorsY) = (true, true)
        default: return nil
        }
    }

    /// Makes a stored image, `[height, width, 3]`, upright.
    func applied(to stored: UnsafePointer<UInt8>, width: Int, height: Int) -> RGBImage {
        let (uprightWidth, uprightHeight) = transposes ? (height, width) : (width, height)
        // Steps in the upright image, in bytes, as its x and y grow.
        let right = mirrorsX ? -3 : 3
        let down = mirrorsY ? -3 * uprightWidth : 3 * uprightWidth
        let origin = (mirrorsX ? 3 * (uprightWidth - 1) : 0) + (mirrorsY ? 3 * uprightWidth * (uprightHeight - 1) : 0)
        let byteCount = 3 * width * height
        let pixels = [UInt8](unsafeUninitializedCapacity: byteCount) { target, count in
            count = byteCount
            guard let destination = target.baseAddress else { return }
            if self == .upright {
                memcpy(destination, stored, byteCount)
            } else {
                cpixels_rearrange(
                    stored,
                    width,
                    height,
                    destination,
                    origin,
                    transposes ? down : right,
                    transposes ? right : down
                )
            }
        }
        return RGBImage(width: uprightWidth, height: uprightHeight, pixels: pixels)
    }
}
