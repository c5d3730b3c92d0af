// SPDX-License-Identifier: Apache-2.0

import Fixtures
import ImageCodec
import Testing

@Suite struct ReconstructionQualityTests {
    // Single precision against the script's double: SSIM's variances lose about 1e-6 to cancellation.
    @Test func equalsTheDefinition() throws {
        let photo = try decode(Fixtures.bytes("golden/clip/china.jpg")).centerCropped(to: 256)
        let small = RGBImage.pattern(width: 11, height: 13)
        let rows = (0..<13).reversed().flatMap { row in small.pixels[row * 33..<(row + 1) * 33] }
        let pairs = [
            "same": (photo, photo),
            "quality 20": (photo, try decode(ImageCases.file("quality20.jpg"))),
            "inverted": (photo, RGBImage(width: 256, height: 256, pixels: photo.pixels.map { 255 - $0 })),
            "darker": (photo, RGBImage(width: 256, height: 256, pixels: photo.pixels.map { $0 / 2 })),
            "smallest": (small, RGBImage(width: 11, height: 13, pixels: rows)),
        ]
        let cases = try ImageCases.load().quality
        #expect(cases.count == pairs.count)
        for expected in cases {
            let (a, b) = try #require(pairs[expected.name])
            let quality = reconstructionQuality(a, b)
            if let psnr = expected.psnr {
                #expect(abs(quality.psnr - psnr) < 1e-9, "\(expected.name)")
            } else {
                #expect(quality.psnr == .infinity)
            }
            #expect(abs(quality.ssim - expected.ssim) < 5e-6, "\(expected.name): \(quality.ssim), \(expected.ssim)")
        }
    }
}
