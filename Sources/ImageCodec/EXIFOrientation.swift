// SPDX-License-Identifier: Apache-2.0

/// How the stored rows and columns lie in the upright picture (EXIF tag 0x0112).
enum EXIFOrientation: Int {
    case upright = 1
    case mirrored = 2
    case upsideDown = 3
    case flipped = 4
    case transposed = 5
    case quarterClockwise = 6
    case transversed = 7
    case quarterCounterclockwise = 8

    /// Reads the tag out of TIFF data; nil where there is none or it makes no sense.
    ///
    /// - Source: TIFF 6.0 section 2; only the first directory is read, so no offset can loop.
    init?(tiff bytes: UnsafeRawBufferPointer, range: Range<Int>) {
        let data = UnsafeRawBufferPointer(rebasing: bytes[range])
        let isLittle = data.starts(with: [0x49, 0x49, 0x2A, 0])
        guard isLittle || data.starts(with: [0x4D, 0x4D, 0, 0x2A]) else { return nil }
        func read16(_ offset: Int) -> Int? {
            data.bigEndian16(offset).map { isLittle ? ($0 & 255) << 8 | $0 >> 8 : $0 }
        }
        func read32(_ offset: Int) -> Int? {
            guard let first = read16(offset), let second = read16(offset + 2) else { return nil }
            return isLittle ? second << 16 | first : first << 16 | second
        }
        guard let directory = read32(4), let count = read16(directory) else { return nil }
        for entry in 0..<count {
            let offset = directory + 2 + 12 * entry
            guard let tag = read16(offset) else { return nil }
            guard tag == 0x0112 else { continue }
            // One SHORT, stored in the value field itself.
            guard read16(offset + 2) == 3, read32(offset + 4) == 1, let value = read16(offset + 8) else { return nil }
            self.init(rawValue: value)
            return
        }
        return nil
    }

    fileprivate var swapsSides: Bool { rawValue >= 5 }
}

extension RGBImage {
    /// The picture turned upright.
    func turned(_ orientation: EXIFOrientation) -> RGBImage {
        if orientation == .upright { return self }
        let (outWidth, outHeight) = orientation.swapsSides ? (height, width) : (width, height)
        // Where the upright picture's first pixel is stored, and how far apart its columns and rows are there.
        let (lastX, lastY) = ((width - 1) * 3, (height - 1) * width * 3)
        let (dx, dy) = (3, width * 3)
        let (start, column, row) =
            switch orientation {
            case .upright: (0, dx, dy)
            case .mirrored: (lastX, -dx, dy)
            case .upsideDown: (lastX + lastY, -dx, -dy)
            case .flipped: (lastY, dx, -dy)
            case .transposed: (0, dy, dx)
            case .quarterClockwise: (lastY, -dy, dx)
            case .transversed: (lastX + lastY, -dy, -dx)
            case .quarterCounterclockwise: (lastX, dy, -dx)
            }
        let turned = [UInt8](unsafeUninitializedCapacity: pixels.count) { out, count in
            pixels.withUnsafeBufferPointer { stored in
                // Tiles keep both sides' cache lines in use when rows become columns.
                let tile = 32
                for top in stride(from: 0, to: outHeight, by: tile) {
                    for left in stride(from: 0, to: outWidth, by: tile) {
                        for y in top..<min(top + tile, outHeight) {
                            for x in left..<min(left + tile, outWidth) {
                                let source = start + x * column + y * row
                                let target = (y * outWidth + x) * 3
                                out[target] = stored[source]
                                out[target + 1] = stored[source + 1]
                                out[target + 2] = stored[source + 2]
                            }
                        }
                    }
                }
            }
            count = pixels.count
        }
        return RGBImage(width: outWidth, height: outHeight, pixels: turned)
    }
}
