// SPDX-License-Identifier: Apache-2.0

import Fixtures
import ImageCodec
import TensorFiles
import Testing

/// One line of `expected.txt`, made with Pillow 13.
struct PictureCase: Sendable, CustomTestStringConvertible {
    let words: [String]

    var testDescription: String { words.dropLast().joined(separator: " ") }
    var digest: String { words.last ?? "" }
    func number(_ index: Int) -> Int { Int(words[index]) ?? 0 }

    static func all(_ kind: String) throws -> [PictureCase] {
        String(decoding: try Fixtures.bytes("pictures/expected.txt"), as: UTF8.self)
            .split(separator: "\n")
            .map { PictureCase(words: $0.split(separator: " ").map(String.init)) }
            .filter { $0.words[0] == kind }
    }
}

private func digest(_ image: RGBImage) -> String {
    image.pixels.withUnsafeBytes { SHA256.hexadecimal(of: $0) }
}

/// The same bytes as `pattern` of `make_picture_cases.py`.
private func pattern(_ width: Int, _ height: Int) -> RGBImage {
    var pixels: [UInt8] = []
    pixels.reserveCapacity(width * height * 3)
    for y in 0..<height {
        for x in 0..<width {
            let value = x * x * 7 + y * 13 + x * y * 3 + ((x * 2_654_435_761) >> 7)
            for c in 0..<3 { pixels.append(UInt8(truncatingIfNeeded: value + c * 91)) }
        }
    }
    return RGBImage(width: width, height: height, pixels: pixels)
}

private func decoded(_ name: String, exif: EXIFPolicy = .apply) throws -> RGBImage {
    try Fixtures.bytes(name).withUnsafeBytes { try decodeImage($0, exif: exif) }
}

@Suite struct CenterCropTests {
    @Test(arguments: try PictureCase.all("crop"))
    func equalsPillowToTheBit(expected: PictureCase) {
        let crop = pattern(expected.number(1), expected.number(2)).centerCropped(to: expected.number(3))
        #expect(digest(crop) == expected.digest)
    }

    @Test(arguments: try PictureCase.all("squash"))
    func squashingEqualsPillowToTheBit(expected: PictureCase) {
        let squashed = pattern(expected.number(1), expected.number(2)).squashed(to: expected.number(3))
        #expect(digest(squashed) == expected.digest)
    }

    @Test(arguments: [("dinov2", "chelsea.png", "chelsea"), ("clip", "china.jpg", "china"), ("siglip2", "rocket.jpg", "rocket")])
    func equalsTheAuthorsPixels(family: String, photo: String, name: String) throws {
        let file = try SafetensorsFile(path: Fixtures.path("golden/\(family)/expected-\(name).safetensors"))
        let entry = try #require(file.index.entries["pixels"])
        let expected = file.withBytes(of: entry) { [UInt8]($0) }
        #expect(try decoded("golden/\(family)/\(photo)").centerCropped(to: 256).pixels == expected)
    }

    @Test func aStripAsLongAsTheLimitCostsNoMoreThanItsCrop() {
        let crop = pattern(1, 16_384).centerCropped(to: 256)
        #expect(crop.pixels.count == 256 * 256 * 3)
    }
}

@Suite struct ImageDecoderTests {
    @Test(arguments: try PictureCase.all("file"))
    func everyKindEqualsPillow(expected: PictureCase) throws {
        let image = try decoded("pictures/" + expected.words[1])
        #expect((image.width, image.height) == (expected.number(2), expected.number(3)))
        #expect(digest(image) == expected.digest)
    }

    @Test func orientationCanBeIgnored() throws {
        let image = try decoded("pictures/jpeg-exif6.jpg", exif: .ignore)
        #expect((image.width, image.height) == (19, 11))
    }

    @Test(arguments: ["jpeg-420.jpg", "jpeg-progressive.jpg", "png-rgb.png", "png-palette.png"])
    func aFileCutShortAnywhereIsRefused(name: String) throws {
        let bytes = try Fixtures.bytes("pictures/" + name)
        for length in 0..<bytes.count {
            #expect(throws: ImageDecodeError.self) {
                try bytes[..<length].withUnsafeBytes { try decodeImage($0) }
            }
        }
    }

    @Test func headersAreHeldToTheLimitsBeforePixels() throws {
        let bytes = try Fixtures.bytes("pictures/png-rgb.png")
        #expect(throws: ImageDecodeError.tooManyPixels(width: 61, height: 43, limit: 1000)) {
            try bytes.withUnsafeBytes { try decodeImage($0, limits: ImageLimits(maximumPixels: 1000)) }
        }
        #expect(throws: ImageDecodeError.sideTooLong(width: 61, height: 43, limit: 60)) {
            try bytes.withUnsafeBytes { try decodeImage($0, limits: ImageLimits(maximumSide: 60)) }
        }
        let progressive = try Fixtures.bytes("pictures/jpeg-progressive.jpg")
        #expect(throws: ImageDecodeError.tooManyScans(count: 10, limit: 3)) {
            try progressive.withUnsafeBytes { try decodeImage($0, limits: ImageLimits(maximumScans: 3)) }
        }
    }

    @Test func otherBytesAreNotAnImage() {
        for text in ["", "GIF89a", "hello"] {
            #expect(throws: ImageDecodeError.notAnImage) {
                try Array(text.utf8).withUnsafeBytes { try decodeImage($0) }
            }
        }
    }

    @Test func aPNGWithoutPixelsIsRefused() throws {
        var bytes = try Fixtures.bytes("pictures/png-rgb.png")
        for index in 16..<20 { bytes[index] = 0 }
        #expect(throws: ImageDecodeError.emptyPicture(width: 0, height: 43)) {
            try bytes.withUnsafeBytes { try decodeImage($0) }
        }
    }

    @Test func damagedChecksumsAndUnknownNeededChunksAreRefused() throws {
        var bytes = try Fixtures.bytes("pictures/png-rgb.png")
        bytes[bytes.count - 20] ^= 1
        #expect(throws: ImageDecodeError.self) { try bytes.withUnsafeBytes { try decodeImage($0) } }
        bytes = try Fixtures.bytes("pictures/png-rgb.png")
        bytes.replaceSubrange(37..<41, with: Array("ABCD".utf8))
        #expect(throws: ImageDecodeError.unsupported(format: .png, feature: "chunk ABCD")) {
            try bytes.withUnsafeBytes { try decodeImage($0) }
        }
    }

    // Deterministic damage to every fixture: any outcome but a trap is fine, and most are refusals.
    @Test func damagedFilesNeverTrap() throws {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        func next() -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33)
        }
        var refused = 0
        for expected in try PictureCase.all("file") {
            let original = try Fixtures.bytes("pictures/" + expected.words[1])
            for _ in 0..<60 {
                var bytes = original
                for _ in 0...next() % 4 { bytes[next() % bytes.count] = UInt8(truncatingIfNeeded: next()) }
                do {
                    _ = try bytes.withUnsafeBytes { try decodeImage($0, limits: ImageLimits(maximumPixels: 1_000_000)) }
                } catch is ImageDecodeError {
                    refused += 1
                }
            }
        }
        #expect(refused > 100)
    }
}

@Suite struct ImageEncoderTests {
    @Test func pngKeepsEveryPixel() throws {
        let image = pattern(53, 31)
        let file = try encodePNG(image)
        #expect(try file.withUnsafeBytes { try decodeImage($0) } == image)
        #expect(try encodePNG(image) == file)
    }

    @Test func jpegKeepsSizeAndMostOfThePicture() throws {
        let image = try decoded("golden/clip/china.jpg")
        let file = try encodeJPEG(image, quality: 95)
        let copy = try file.withUnsafeBytes { try decodeImage($0) }
        let crop = (image.centerCropped(to: 256), copy.centerCropped(to: 256))
        #expect(reconstructionQuality(crop.0, crop.1).psnr > 30)
    }

    @Test(arguments: [0, 101])
    func qualityOutsideItsRangeIsRefused(quality: Int) {
        #expect(throws: ImageEncodeError.qualityOutOfRange(quality)) { try encodeJPEG(pattern(8, 8), quality: quality) }
    }
}

@Suite struct ReconstructionQualityTests {
    @Test func equalPicturesAreInfinitelyClose() {
        let quality = reconstructionQuality(pattern(40, 30), pattern(40, 30))
        #expect(quality.psnr == .infinity)
        #expect(abs(quality.ssim - 1) < 1e-6)
    }

    // torchmetrics' definition, computed with numpy in double precision on the same two patterns.
    @Test func equalsTheReferenceDefinition() {
        let a = pattern(40, 30)
        var b = a
        for index in b.pixels.indices { b.pixels[index] = UInt8(Int(b.pixels[index]) * 3 / 4 + index % 7) }
        let quality = reconstructionQuality(a, b)
        #expect(abs(quality.psnr - 17.326263) < 1e-4)
        #expect(abs(quality.ssim - 0.928320) < 1e-4)
    }
}
