// SPDX-License-Identifier: Apache-2.0

import Checksums
import Fixtures
import Foundation
import ImageCodec

/// What `Tests/Fixtures/make_picture_cases.py` wrote down.
struct ImageCases: Decodable {
    struct Picture: Decodable, Sendable {
        let name: String
        let storedWidth: Int
        let storedHeight: Int
        let width: Int
        let height: Int
        let stored: String
        let upright: String
    }
    struct Golden: Decodable, Sendable {
        let name: String
        let width: Int
        let height: Int
        let upright: String
    }
    struct Resampling: Decodable, Sendable {
        let width: Int
        let height: Int
        let side: Int
        let kind: String
        let sha256: String
    }
    struct Quality: Decodable, Sendable {
        let name: String
        let psnr: Double?
        let ssim: Double
    }

    let pictures: [Picture]
    let golden: [Golden]
    let resampling: [Resampling]
    let quality: [Quality]

    static func load() throws -> ImageCases {
        try JSONDecoder().decode(ImageCases.self, from: Data(Fixtures.bytes("pictures/cases.json")))
    }

    static func file(_ name: String) throws -> [UInt8] { try Fixtures.bytes("pictures/" + name) }
}

extension RGBImage {
    var sha256: String { pixels.withUnsafeBytes { bytes in sha256Hexadecimal(of: bytes) } }

    /// The script's `pattern`: noise, black and white in 16-pixel squares.
    static func pattern(width: Int, height: Int) -> RGBImage {
        let pixels = [UInt8](unsafeUninitializedCapacity: width * height * 3) { target, count in
            for y in 0..<height {
                for x in 0..<width {
                    for c in 0..<3 {
                        let mixed =
                            UInt32(x) &* 73_856_093 ^ UInt32(y) &* 19_349_663 ^ UInt32(c) &* 83_492_791
                        let noise = UInt8((mixed &* 2_654_435_761) >> 24)
                        let kind = (x / 16 + y / 16 + c) % 4
                        target[3 * (y * width + x) + c] = kind == 0 ? 0 : kind == 1 ? 255 : noise
                    }
                }
            }
            count = width * height * 3
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }
}

/// The package's functions on arrays.
func decode(
    _ bytes: [UInt8],
    limits: ImageLimits = ImageLimits(),
    exif: EXIFPolicy = .apply
) throws(ImageDecodeError) -> RGBImage {
    // A closure would lose the typed throw, hence the outcome as a value.
    let outcome = bytes.withUnsafeBytes { bytes in
        Result { () throws(ImageDecodeError) in try decodeImage(bytes, limits: limits, exif: exif) }
    }
    return try outcome.get()
}

/// Writes true checksums over a spoilt PNG's chunks, so that the damage reaches what lies behind the checksum.
func withTrueChecksums(_ bytes: [UInt8]) -> [UInt8] {
    var result = bytes
    var offset = 8
    while offset + 12 <= result.count {
        let length = result[offset..<offset + 4].reduce(0) { value, byte in value << 8 | Int(byte) }
        guard offset + 12 + length <= result.count else { break }
        var crc: UInt32 = 0xffff_ffff
        for byte in result[offset + 4..<offset + 8 + length] {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? 0xedb8_8320 ^ crc >> 1 : crc >> 1 }
        }
        let value = ~crc
        result.replaceSubrange(
            offset + 8 + length..<offset + 12 + length,
            with: [24, 16, 8, 0].map { UInt8(value >> $0 & 0xff) }
        )
        offset += 12 + length
    }
    return result
}
