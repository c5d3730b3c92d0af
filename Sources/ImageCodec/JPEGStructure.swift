// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The content of a JPEG's markers, parsed without decoding.
///
/// The walk is the same as libjpeg's: segments are skipped by their length, anything between them by searching for the
/// next marker, so it finds every scan that the decoder will find. Source: ITU-T T.81, annex B.
struct JPEGStructure {
    private(set) var width = 0
    private(set) var height = 0
    private(set) var componentCount = 0
    private(set) var orientation = Orientation.upright

    /// Bytes per pixel during decoding: CMYK has four.
    var pixelBytes: Int { componentCount == 4 ? 4 : 3 }

    /// With `headerOnly` the walk stops at the frame header; scans and the end of the file are not looked at.
    ///
    /// - Throws: `ImageDecodeError`.
    init(_ bytes: UnsafeRawBufferPointer, maximumScans: Int, headerOnly: Bool = false) throws(ImageDecodeError) {
        let reader = ByteReader(bytes: bytes)
        var offset = 2
        var scans = 0
        var metadata = JPEGMetadata()
        while true {
            guard let marker = Self.nextMarker(in: bytes, from: &offset) else {
                throw .truncated(byteCount: bytes.count)
            }
            if marker == 0xd9 { break }
            // Markers without a segment: TEM, restart markers.
            if marker == 0x01 || (0xd0...0xd7).contains(marker) { continue }
            guard marker != 0xd8 else { throw .malformedSegment(marker: marker, offset: offset) }
            guard let length = reader.uint16(at: offset) else { throw .truncated(byteCount: bytes.count) }
            guard length >= 2 else { throw .malformedSegment(marker: marker, offset: offset) }
            guard offset + length <= bytes.count else { throw .truncated(byteCount: bytes.count) }
            switch marker {
            case 0xc0...0xcf where marker != 0xc4 && marker != 0xc8 && marker != 0xcc:
                guard componentCount == 0 else { throw .repeatedFrameHeader(offset: offset) }
                try readFrame(marker: marker, reader: reader, offset: offset, length: length)
                if headerOnly { return }
            case 0xda:
                guard componentCount > 0 else { throw .missingFrameHeader(offset: offset) }
                scans += 1
                guard scans <= maximumScans else { throw .tooManyScans(limit: maximumScans) }
            case 0xe1 where scans == 0:
                metadata.add(UnsafeRawBufferPointer(rebasing: bytes[offset + 2..<offset + length]))
            default:
                break
            }
            offset += length
        }
        guard componentCount > 0 else { throw .missingFrameHeader(offset: offset) }
        guard scans > 0 else { throw .missingScan }
        orientation = metadata.orientation
    }

    private mutating func readFrame(
        marker: UInt8,
        reader: ByteReader,
        offset: Int,
        length: Int
    ) throws(ImageDecodeError) {
        // Baseline, extended and progressive. Lossless, hierarchical and arithmetic coding: no browser reads them
        // either, and arithmetic coding costs libjpeg many times the time of Huffman coding.
        guard (0xc0...0xc2).contains(marker) else { throw .unsupportedProcess(marker: marker) }
        guard length >= 8, let precision = reader.uint8(at: offset + 2), let height = reader.uint16(at: offset + 3),
            let width = reader.uint16(at: offset + 5), let components = reader.uint8(at: offset + 7)
        else { throw .malformedSegment(marker: marker, offset: offset) }
        guard precision == 8 else { throw .unsupportedPrecision(bits: Int(precision)) }
        guard [1, 3, 4].contains(components) else { throw .unsupportedComponents(count: Int(components)) }
        self.width = width
        self.height = height
        componentCount = Int(components)
    }

    /// Moves past the next marker and returns its code.
    ///
    /// Entropy-coded bytes (`FF 00`) and fill bytes are passed over.
    private static func nextMarker(in bytes: UnsafeRawBufferPointer, from offset: inout Int) -> UInt8? {
        guard let base = bytes.baseAddress else { return nil }
        while offset < bytes.count - 1 {
            guard let found = memchr(base + offset, 0xff, bytes.count - 1 - offset) else { return nil }
            offset = UnsafeRawPointer(found) - base
            let code = bytes[offset + 1]
            if code == 0xff {
                offset += 1
            } else {
                offset += 2
                if code != 0 { return code }
            }
        }
        return nil
    }
}

/// The APP1 segments before the first scan.
private struct JPEGMetadata {
    // EXIF too long for one segment continues in the next. At most 64 segments are joined, 4 MB.
    private var exif: [UnsafeRawBufferPointer] = []
    private var xmp: UnsafeRawBufferPointer?

    mutating func add(_ segment: UnsafeRawBufferPointer) {
        let xmpMark = Array("http://ns.adobe.com/xap/1.0/\0".utf8)
        if segment.starts(with: OrientationMetadata.exifMark) {
            let block = UnsafeRawBufferPointer(rebasing: segment.dropFirst(OrientationMetadata.exifMark.count))
            if exif.count < 64 { exif.append(block) }
        } else if segment.starts(with: xmpMark) {
            xmp = UnsafeRawBufferPointer(rebasing: segment.dropFirst(xmpMark.count))
        }
    }

    var orientation: Orientation {
        guard exif.count > 1 else { return OrientationMetadata(exif: exif.first, xmp: xmp).orientation }
        return Array(exif.joined()).withUnsafeBytes { OrientationMetadata(exif: $0, xmp: xmp).orientation }
    }
}
