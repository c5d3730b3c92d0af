// SPDX-License-Identifier: Apache-2.0

/// What a JPEG's markers say, read without decoding: size, components, scans, where its EXIF data lies.
///
/// - Source: ITU-T T.81, annex B.
struct JPEGStructure {
    private(set) var width = 0
    private(set) var height = 0
    private(set) var componentCount = 0
    private(set) var scanCount = 0
    /// The TIFF data of the first APP1 `Exif` segment.
    private(set) var exif: Range<Int>?

    init(_ bytes: UnsafeRawBufferPointer) throws(ImageDecodeError) {
        var offset = 2
        while true {
            guard let marker = try Self.nextMarker(bytes, &offset) else {
                throw .truncated(format: .jpeg, bytes: bytes.count)
            }
            if marker == 0xD9 { break }
            // Markers without a segment: TEM, RSTn, SOI.
            if marker == 0x01 || (0xD0...0xD8).contains(marker) { continue }
            guard let length = bytes.bigEndian16(offset) else { throw .truncated(format: .jpeg, bytes: bytes.count) }
            guard length >= 2 else { throw .malformed(format: .jpeg, offset: offset) }
            guard offset + length <= bytes.count else { throw .truncated(format: .jpeg, bytes: bytes.count) }
            try readSegment(marker, bytes, offset + 2..<offset + length)
            offset += length
            if marker == 0xDA { Self.skipEntropyCoded(bytes, &offset) }
        }
        guard componentCount > 0, scanCount > 0 else { throw .malformed(format: .jpeg, offset: offset) }
    }

    /// The marker at `offset`, past fill bytes; libjpeg skips stray bytes before a marker, so this does too.
    private static func nextMarker(
        _ bytes: UnsafeRawBufferPointer,
        _ offset: inout Int
    ) throws(ImageDecodeError) -> Int? {
        while let byte = bytes.byte(offset) {
            offset += 1
            guard byte == 0xFF else { continue }
            while bytes.byte(offset) == 0xFF { offset += 1 }
            guard let code = bytes.byte(offset) else { return nil }
            offset += 1
            if code != 0 { return code }
        }
        return nil
    }

    /// Entropy-coded data ends at the first marker that is neither a stuffed zero nor a restart.
    private static func skipEntropyCoded(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) {
        while offset + 1 < bytes.count {
            if bytes[offset] == 0xFF {
                let code = bytes[offset + 1]
                if code != 0, code != 0xFF, !(0xD0...0xD7).contains(code) { return }
                offset += code == 0xFF ? 1 : 2
            } else {
                offset += 1
            }
        }
        offset = bytes.count
    }

    private mutating func readSegment(
        _ marker: Int,
        _ bytes: UnsafeRawBufferPointer,
        _ range: Range<Int>
    ) throws(ImageDecodeError) {
        switch marker {
        case 0xC0, 0xC1, 0xC2:
            guard range.count >= 6, componentCount == 0 else {
                throw .malformed(format: .jpeg, offset: range.lowerBound)
            }
            guard bytes[range.lowerBound] == 8 else {
                throw .unsupported(format: .jpeg, feature: "\(bytes[range.lowerBound])-bit samples")
            }
            height = bytes.bigEndian16(range.lowerBound + 1) ?? 0
            width = bytes.bigEndian16(range.lowerBound + 3) ?? 0
            componentCount = Int(bytes[range.lowerBound + 5])
            guard [1, 3, 4].contains(componentCount) else {
                throw .unsupported(format: .jpeg, feature: "\(componentCount) components")
            }
        case 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF:
            // Lossless, hierarchical and arithmetic coding: no browser reads them either.
            throw .unsupported(format: .jpeg, feature: "coding process 0x\(String(marker, radix: 16))")
        case 0xDA: scanCount += 1
        case 0xE1:
            let signature: [UInt8] = [0x45, 0x78, 0x69, 0x66, 0, 0]
            if exif == nil, bytes[range].starts(with: signature) {
                exif = range.lowerBound + signature.count..<range.upperBound
            }
        default: break
        }
    }
}
