// SPDX-License-Identifier: Apache-2.0

import Fixtures
import ImageCodec
import Testing

@Suite struct DecodeImageTests {
    @Test func everyKindOfImageDecodesToTheExpectedBits() throws {
        let cases = try ImageCases.load().pictures
        #expect(cases.count > 140)
        for expected in cases {
            let bytes = try ImageCases.file(expected.name)
            let upright = try decode(bytes)
            #expect(upright.width == expected.width && upright.height == expected.height, "\(expected.name)")
            #expect(upright.sha256 == expected.upright, "\(expected.name)")
            let stored = try decode(bytes, exif: .ignore)
            #expect(stored.width == expected.storedWidth && stored.height == expected.storedHeight, "\(expected.name)")
            #expect(stored.sha256 == expected.stored, "\(expected.name)")
            let suffix = expected.name.split(separator: ".").last.map(String.init)
            #expect(ImageFormat.sniff(bytes) == (suffix == "jpg" ? .jpeg : suffix.flatMap(ImageFormat.init(rawValue:))))
        }
    }

    @Test func photosDecodeAsPillowDecodesThem() throws {
        for expected in try ImageCases.load().golden {
            let image = try decode(Fixtures.bytes(expected.name))
            #expect(image.width == expected.width && image.height == expected.height)
            #expect(image.sha256 == expected.upright, "\(expected.name)")
        }
    }

    @Test func formatsAreToldByTheirMagicBytes() throws {
        #expect(ImageFormat.sniff(try ImageCases.file("420.jpg")) == .jpeg)
        #expect(ImageFormat.sniff(try ImageCases.file("rgb8.png")) == .png)
        #expect(ImageFormat.sniff(try ImageCases.file("lossy.webp")) == .webp)
        #expect(ImageFormat.sniff([0xff, 0xd8]) == nil)
        #expect(ImageFormat.sniff(Array("RIFF....WAVE".utf8)) == nil)
        #expect(ImageFormat.sniff([]) == nil)
        #expect(ImageFormat.sniff(Array("GIF89a".utf8)) == nil)
    }
}
