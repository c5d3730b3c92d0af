// SPDX-License-Identifier: Apache-2.0

import Fixtures
import ImageCodec
import Testing

@Suite struct EncodeImageTests {
    @Test(arguments: [(1, 1), (1, 37), (37, 1), (256, 256), (101, 67)])
    func pngComesBackToTheBitAndIsDeterministic(width: Int, height: Int) throws {
        let image = RGBImage.pattern(width: width, height: height)
        let bytes = try encodePNG(image)
        #expect(try decode(bytes) == image)
        #expect(try encodePNG(image) == bytes)
    }

    @Test func jpegGrowsAndImprovesWithQuality() throws {
        let photo = try decode(Fixtures.bytes("golden/siglip2/rocket.jpg")).centerCropped(to: 256)
        var last = (size: 0, psnr: 0.0)
        for quality in [1, 25, 50, 75, 95, 100] {
            let bytes = try encodeJPEG(photo, quality: quality)
            let psnr = reconstructionQuality(try decode(bytes), photo).psnr
            #expect(bytes.count > last.size && psnr > last.psnr)
            last = (bytes.count, psnr)
        }
        #expect(last.psnr > 38)
        #expect(try encodeJPEG(photo, quality: 95) == encodeJPEG(photo, quality: 95))
    }

    @Test func webpGrowsAndImprovesWithQuality() throws {
        let photo = try decode(Fixtures.bytes("golden/siglip2/rocket.jpg")).centerCropped(to: 256)
        var last = (size: 0, psnr: 0.0)
        for quality in [1, 25, 50, 75, 95, 100] {
            let bytes = try encodeWebP(photo, quality: quality)
            let psnr = reconstructionQuality(try decode(bytes), photo).psnr
            #expect(bytes.count > last.size && psnr > last.psnr)
            last = (bytes.count, psnr)
        }
        #expect(last.psnr > 37)
        #expect(try encodeWebP(photo, quality: 95) == encodeWebP(photo, quality: 95))
        #expect(try decode(encodeWebP(.pattern(width: 1, height: 37), quality: 50)).height == 37)
    }

    @Test(arguments: [-1, 0, 101])
    func qualityOutOfRangeIsRefused(quality: Int) {
        #expect(throws: ImageEncodeError.qualityOutOfRange(quality: quality, allowed: 1...100)) {
            try encodeJPEG(.pattern(width: 2, height: 2), quality: quality)
        }
        #expect(throws: ImageEncodeError.qualityOutOfRange(quality: quality, allowed: 1...100)) {
            try encodeWebP(.pattern(width: 2, height: 2), quality: quality)
        }
    }

    @Test func webpSideBeyondTheHeaderIsRefused() {
        #expect(throws: ImageEncodeError.sideTooLong(width: 1, height: 16384, limit: 16383)) {
            try encodeWebP(.pattern(width: 1, height: 16384), quality: 90)
        }
    }

    @Test func jpegSideBeyondTheHeaderIsRefused() {
        #expect(throws: ImageEncodeError.sideTooLong(width: 65501, height: 1, limit: 65500)) {
            try encodeJPEG(.pattern(width: 65501, height: 1), quality: 90)
        }
    }
}
