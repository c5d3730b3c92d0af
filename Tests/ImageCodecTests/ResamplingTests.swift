// SPDX-License-Identifier: Apache-2.0

import Fixtures
import ImageCodec
import TensorFiles
import Testing

@Suite struct ResamplingTests {
    @Test func equalsPillowToTheBit() throws {
        let cases = try ImageCases.load().resampling
        #expect(cases.count > 100)
        var image = RGBImage.pattern(width: 1, height: 1)
        for expected in cases {
            if image.width != expected.width || image.height != expected.height {
                image = .pattern(width: expected.width, height: expected.height)
            }
            let result =
                expected.kind == "crop" ? image.centerCropped(to: expected.side) : image.squashed(to: expected.side)
            #expect(result.width == expected.side && result.height == expected.side)
            #expect(
                result.sha256 == expected.sha256,
                "\(expected.kind) \(expected.width)x\(expected.height) to \(expected.side)"
            )
        }
    }

    @Test(arguments: [
        ("dinov2", "chelsea.png", "expected-chelsea"), ("clip", "china.jpg", "expected-china"),
        ("siglip2", "rocket.jpg", "expected-rocket"),
    ])
    func goldenPixelsAreReproduced(family: String, photo: String, expected: String) throws {
        let file = try SafetensorsFile(path: Fixtures.path("golden/\(family)/\(expected).safetensors"))
        let entry = try #require(file.index.entries["pixels"])
        let pixels = file.withBytes(of: entry) { bytes in [UInt8](bytes) }
        let bytes = try Fixtures.bytes("golden/\(family)/\(photo)")
        #expect(try decode(bytes).centerCropped(to: 256).pixels == pixels)
        #expect(try bytes.withUnsafeBytes { bytes in try decodeCenterCropped(bytes, to: 256) }.pixels == pixels)
    }

    // The fused path plans on the upright image and runs on the stored one.
    @Test(arguments: 1...8)
    func croppingWhileTurningEqualsTurningFirst(orientation: Int) throws {
        // Large enough for several halvings at side 8, odd on both axes.
        let bytes = try ImageCases.file("exif-\(orientation).jpg")
        for side in [1, 7, 8, 16, 61, 90] {
            let crop = try bytes.withUnsafeBytes { bytes in try decodeCenterCropped(bytes, to: side) }
            #expect(try crop == decode(bytes).centerCropped(to: side))
            let squash = try bytes.withUnsafeBytes { bytes in try decodeSquashed(bytes, to: side) }
            #expect(try squash == decode(bytes).squashed(to: side))
        }
    }

    @Test func flatImagesStayFlat() {
        for value in [UInt8(0), 1, 127, 254, 255] {
            let image = RGBImage(width: 601, height: 1203, pixels: [UInt8](repeating: value, count: 601 * 1203 * 3))
            #expect(image.centerCropped(to: 256).pixels.allSatisfy { $0 == value })
            #expect(image.squashed(to: 100).pixels.allSatisfy { $0 == value })
        }
    }

    @Test func aStripAsLongAsTheLimitCostsNoMoreThanItsCrop() {
        #expect(RGBImage.pattern(width: 1, height: 16384).centerCropped(to: 256).pixels.count == 256 * 256 * 3)
        #expect(RGBImage.pattern(width: 16384, height: 1).centerCropped(to: 256).pixels.count == 256 * 256 * 3)
    }
}
