// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The metadata of a file that can state an orientation.
///
/// Which source wins is Pillow 13's rule (`Image.getexif`, `ImageOps.exif_transpose`): a tag in EXIF, whatever its value,
/// hides XMP. An invalid block leaves the image as stored, because it is metadata and not part of the image.
struct OrientationMetadata {
    /// A TIFF block, or one behind `Exif\0\0`.
    var exif: UnsafeRawBufferPointer?
    /// An XMP packet.
    var xmp: UnsafeRawBufferPointer?

    static let exifMark: [UInt8] = [0x45, 0x78, 0x69, 0x66, 0, 0]

    var orientation: Orientation {
        switch exif.map(Self.tag(in:)) ?? .absent {
        case .value(let value): Orientation(exif: value) ?? .upright
        case .unusable: .upright
        case .absent: xmp.flatMap(Self.value(inXMP:)).flatMap(Orientation.init(exif:)) ?? .upright
        }
    }

    /// Whether EXIF decides, so that XMP need not be read.
    var exifStatesOrientation: Bool {
        if case .absent = exif.map(Self.tag(in:)) ?? .absent { false } else { true }
    }

    // MARK: EXIF

    private enum Tag {
        case absent
        /// Not a whole number, or the block is not TIFF.
        case unusable
        case value(Int)
    }

    /// Bytes of one value by TIFF type; types that are not here are passed over.
    private static let unitSizes = [
        1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8,
    ]

    /// Tag 0x0112 of the first image directory.
    ///
    /// As in Pillow, reading ends at an entry whose values are outside of the block, even before the tag.
    private static func tag(in block: UnsafeRawBufferPointer) -> Tag {
        var bytes = block
        // Some writers put the mark into PNG's eXIf and WebP's EXIF, where it does not belong.
        for _ in 0..<2 where bytes.starts(with: exifMark) {
            bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(exifMark.count))
        }
        if bytes.isEmpty { return .absent }
        var reader = ByteReader(bytes: bytes)
        reader.bigEndian = reader.uint16(at: 0) == 0x4d4d
        let header = reader.uint32(at: 0)
        // The second of each has the wrong byte order, the third is BigTIFF's; Pillow takes them too. After another
        // header it does not look for XMP.
        let headers = reader.bigEndian ? [0x4d4d_002a, 0x4d4d_2a00, 0x4d4d_002b] : [0x002a_4949, 0x2a00_4949]
        guard let header, headers.contains(header), let directory = reader.uint32(at: 4) else { return .unusable }
        guard let entries = reader.uint16(at: directory) else { return .absent }
        var outside = 0
        for index in 0..<entries {
            // An entry: tag, type, count of values, the values or their place.
            let entry = directory + 2 + 12 * index
            guard let tag = reader.uint16(at: entry), let type = reader.uint16(at: entry + 2),
                let count = reader.uint32(at: entry + 4), var place = reader.uint32(at: entry + 8)
            else { return .absent }
            guard let unit = unitSizes[type], count > 0 else { continue }
            if count * unit > 4 {
                outside += count * unit
                if outside > bytes.count { continue }
                guard place <= bytes.count - count * unit else { return .absent }
            } else {
                place = entry + 8
            }
            if tag == 0x0112 { return value(at: place, type: type, reader) }
        }
        return .absent
    }

    /// The first value, if it is a number; bytes, texts and fractions are none.
    private static func value(at place: Int, type: Int, _ reader: ByteReader) -> Tag {
        let value =
            switch type {
            case 3, 8: reader.uint16(at: place)
            case 4, 9, 13: reader.uint32(at: place)
            case 6: reader.uint8(at: place).map(Int.init)
            default: Int?.none
            }
        return value.map(Tag.value) ?? .unusable
    }

    // MARK: XMP

    /// The digit of `tiff:Orientation="6"` or `<tiff:Orientation>6`, whichever is first in the packet's first MiB.
    private static func value(inXMP packet: UnsafeRawBufferPointer) -> Int? {
        let name = Array("tiff:Orientation".utf8)
        var rest = UnsafeRawBufferPointer(rebasing: packet.prefix(1 << 20))
        while let base = rest.baseAddress, let found = memchr(base, 0x74, rest.count) {
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(UnsafeRawPointer(found) - base))
            guard rest.starts(with: name) else {
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
                continue
            }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(name.count))
            let digit = rest.starts(with: "=\"".utf8) ? 2 : rest.first == UInt8(ascii: ">") ? 1 : rest.count
            guard digit < rest.count, (0x30...0x39).contains(rest[digit]) else { continue }
            return Int(rest[digit]) - 0x30
        }
        return nil
    }
}
