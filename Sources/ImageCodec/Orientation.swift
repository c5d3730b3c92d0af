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

extension Orientation {
    /// Reads the orientation from a TIFF block (EXIF without its `Exif\0\0` mark): only the first image directory, and
    /// no pointer except the one to that directory.
    ///
    /// An invalid block leaves the image as stored, because it is metadata and not part of the image.
    init(tiff bytes: UnsafeRawBufferPointer) {
        self = Self.tag(in: bytes).flatMap(Orientation.init(exif:)) ?? .upright
    }

    private static func tag(in bytes: UnsafeRawBufferPointer) -> Int? {
        var reader = ByteReader(bytes: bytes)
        switch reader.uint16(at: 0) {
        case 0x4d4d: reader.bigEndian = true
        case 0x4949: reader.bigEndian = false
        default: return nil
        }
        guard reader.uint16(at: 2) == 42, let directory = reader.uint32(at: 4), directory >= 8,
            let entries = reader.uint16(at: directory)
        else { return nil }
        for index in 0..<entries {
            // An entry: tag, type, count of values, value.
            let entry = directory + 2 + 12 * index
            guard let tag = reader.uint16(at: entry) else { return nil }
            guard tag == 0x0112 else { continue }
            guard let type = reader.uint16(at: entry + 2), reader.uint32(at: entry + 4) == 1 else { return nil }
            switch type {
            case 1: return reader.uint8(at: entry + 8).map(Int.init)
            case 3: return reader.uint16(at: entry + 8)
            case 4: return reader.uint32(at: entry + 8)
            default: return nil
            }
        }
        return nil
    }
}
