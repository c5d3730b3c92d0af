// SPDX-License-Identifier: Apache-2.0

import Fixtures
import ImageCodec
import Testing

/// Files that lie; every `ImageDecodeError` case is reached here.
@Suite struct HostileImageTests {
    @Test(arguments: ["", "\u{1}", "GIF89a", "<svg/>"])
    func otherBytesAreNotAnImage(text: String) {
        #expect(throws: ImageDecodeError.notAnImage) { try decode(Array(text.utf8)) }
    }

    @Test(arguments: ["420.jpg", "progressive.jpg", "cmyk.jpg", "exif-6.jpg", "rgb8.png", "palette4-trns-adam7.png"])
    func filesCutAnywhereAreRefused(name: String) throws {
        let bytes = try ImageCases.file(name)
        for length in 0..<bytes.count {
            let cut = Array(bytes.prefix(length))
            #expect(throws: ImageDecodeError.self, "\(length) bytes") { try decode(cut) }
        }
        #expect(throws: ImageDecodeError.truncated(byteCount: bytes.count - 1)) {
            try decode(Array(bytes.dropLast()))
        }
    }

    @Test func jpegThatEndsInTheMiddleOfItsScanIsRefused() throws {
        let bytes = try ImageCases.file("420.jpg")
        let cut = Array(bytes.prefix(bytes.count - 300)) + [0xff, 0xd9]
        #expect {
            try decode(cut)
        } throws: { error in
            guard case .corruptJPEG(let reason) = error as? ImageDecodeError else { return false }
            return !reason.isEmpty
        }
    }

    @Test func strayBytesBeforeTheEndMarkerAreHarmless() throws {
        for name in ["420.jpg", "progressive.jpg"] {
            let bytes = try ImageCases.file(name)
            let padded = bytes.dropLast(2) + [0, 0, 0, 0, 0xff, 0xd9]
            #expect(try decode(Array(padded)) == decode(bytes))
        }
    }

    // libjpeg goes on with grey or noise; Pillow takes that for the image.
    @Test func bytesThatBlocksNeedAreMissed() throws {
        let bytes = try ImageCases.file("restarts.jpg")
        let first = try #require(bytes.indices.dropLast().first { bytes[$0] == 0xff && bytes[$0 + 1] == 0xd0 })
        let without = Array(bytes[..<first] + bytes[(first + 2)...])
        var another = bytes
        another[first + 1] = 0xd5
        for damaged in [without, another] {
            #expect {
                try decode(damaged)
            } throws: { error in
                guard case .corruptJPEG(let reason) = error as? ImageDecodeError else { return false }
                return reason.hasPrefix("Corrupt JPEG data")
            }
        }
    }

    @Test func sizesAreHeldAgainstTheLimitsBeforePixels() throws {
        for name in ["444.jpg", "rgb8.png"] {
            let bytes = try ImageCases.file(name)
            let size = try decode(bytes)
            let (width, height) = (size.width, size.height)
            let pixels = width * height
            #expect(throws: ImageDecodeError.tooManyPixels(width: width, height: height, limit: pixels - 1)) {
                try decode(bytes, limits: ImageLimits(maximumPixels: pixels - 1))
            }
            #expect(throws: ImageDecodeError.sideTooLong(width: width, height: height, limit: width - 1)) {
                try decode(bytes, limits: ImageLimits(maximumSide: width - 1))
            }
            #expect(try decode(bytes, limits: ImageLimits(maximumPixels: pixels, maximumSide: width)).width == width)
        }
    }

    // 2^31 pixels a side would be 12 exabytes; a PNG header can say so in 33 bytes.
    @Test func hugePromisesAllocateNothing() throws {
        var bytes = try ImageCases.file("rgb8.png")
        bytes.replaceSubrange(16..<24, with: [0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff])
        let side = Int(Int32.max)
        #expect(throws: ImageDecodeError.sideTooLong(width: side, height: side, limit: 16384)) { try decode(bytes) }
        bytes.replaceSubrange(16..<24, with: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
        #expect(throws: ImageDecodeError.self) { try decode(bytes, limits: ImageLimits(maximumPixels: .max)) }
    }

    // More than any address space holds, where the limits would let it pass.
    @Test func aImageThatThereIsNoMemoryForIsRefused() throws {
        var bytes = try ImageCases.file("rgb8.png")
        bytes.replaceSubrange(16..<24, with: [0x7f, 0xff, 0xff, 0xff, 0, 0x10, 0, 0])
        let huge = withTrueChecksums(bytes)
        let limits = ImageLimits(maximumPixels: .max, maximumSide: .max)
        #expect(throws: ImageDecodeError.outOfMemory(byteCount: 3 * Int(Int32.max) << 20)) {
            try huge.withUnsafeBytes { try decodeCenterCropped($0, to: 8, limits: limits) }
        }
    }

    @Test func emptyImagesAreRefused() throws {
        var png = try ImageCases.file("rgb8.png")
        png.replaceSubrange(16..<20, with: [0, 0, 0, 0])
        #expect(throws: ImageDecodeError.emptyImage(width: 0, height: 19)) { try decode(png) }
        var jpeg = try ImageCases.file("444.jpg")
        let frame = try frameHeader(jpeg)
        jpeg.replaceSubrange(frame + 5..<frame + 7, with: [0, 0])
        #expect(throws: ImageDecodeError.emptyImage(width: 83, height: 0)) { try decode(jpeg) }
    }

    @Test func aHeaderWithAnotherSizeThanItsPixelsIsRefused() throws {
        var jpeg = try ImageCases.file("420.jpg")
        let frame = try frameHeader(jpeg)
        jpeg[frame + 6] += 40
        #expect(throws: ImageDecodeError.self) { try decode(jpeg) }
    }

    @Test func scansAreCounted() throws {
        let bytes = try ImageCases.file("progressive.jpg")
        #expect(throws: ImageDecodeError.tooManyScans(limit: 3)) {
            try decode(bytes, limits: ImageLimits(maximumScans: 3))
        }
        // A scan bomb: the last scan again and again.
        let scan = try #require(bytes.indices.dropLast().last { bytes[$0] == 0xff && bytes[$0 + 1] == 0xda })
        let repeated = (0..<200).flatMap { _ in bytes[scan..<bytes.count - 2] }
        #expect(throws: ImageDecodeError.tooManyScans(limit: 100)) {
            try decode(bytes.dropLast(2) + repeated + [0xff, 0xd9])
        }
    }

    @Test func jpegMarkersOutOfPlaceAreRefused() throws {
        let bytes = try ImageCases.file("444.jpg")
        let frame = try frameHeader(bytes)
        let header = bytes[frame..<frame + 19]
        let twice = bytes[..<frame] + header + bytes[frame...]
        #expect(throws: ImageDecodeError.repeatedFrameHeader(offset: frame + 21)) { try decode(Array(twice)) }
        #expect(throws: ImageDecodeError.malformedSegment(marker: 0xe0, offset: 4)) {
            try decode([0xff, 0xd8, 0xff, 0xe0, 0, 1, 0, 0])
        }
        #expect(throws: ImageDecodeError.missingFrameHeader(offset: 4)) {
            try decode([0xff, 0xd8, 0xff, 0xd9])
        }
        let withoutScan = bytes[..<(frame + 19)] + [0xff, 0xd9]
        #expect(throws: ImageDecodeError.missingScan) {
            try decode(Array(withoutScan))
        }
        let withoutFrame = Array(bytes[..<frame] + bytes[(frame + 19)...])
        let scan = try #require(
            withoutFrame.indices.dropLast().first { withoutFrame[$0...].starts(with: [0xff, 0xda]) }
        )
        #expect(throws: ImageDecodeError.missingFrameHeader(offset: scan + 2)) { try decode(withoutFrame) }
    }

    @Test func rareJPEGKindsAreNamed() throws {
        let bytes = try ImageCases.file("444.jpg")
        let frame = try frameHeader(bytes)
        let changes: [(offset: Int, value: UInt8, error: ImageDecodeError)] = [
            (1, 0xc3, .unsupportedProcess(marker: 0xc3)), (1, 0xc9, .unsupportedProcess(marker: 0xc9)),
            (4, 12, .unsupportedPrecision(bits: 12)), (9, 2, .unsupportedComponents(count: 2)),
            (9, 5, .unsupportedComponents(count: 5)),
        ]
        for change in changes {
            var changed = bytes
            changed[frame + change.offset] = change.value
            #expect(throws: change.error) { try decode(changed) }
        }
    }

    @Test func pngChunksOutOfPlaceAreRefused() throws {
        let bytes = try ImageCases.file("rgb8.png")
        let end = bytes.count - 12
        let header = bytes[8..<33]
        #expect(throws: ImageDecodeError.misplacedChunk(type: "IHDR", offset: 33)) {
            try decode(Array(bytes[..<33] + header + bytes[33...]))
        }
        #expect(throws: ImageDecodeError.missingImageData) {
            try decode(Array(bytes[..<33] + bytes[end...]))
        }
        var unknown = bytes
        unknown.replaceSubrange(37..<41, with: Array("IDAX".utf8))
        #expect(throws: ImageDecodeError.unknownCriticalChunk(type: "IDAX", offset: 33)) { try decode(unknown) }
        var long = bytes
        long.replaceSubrange(33..<37, with: [0xff, 0xff, 0xff, 0xff])
        #expect(throws: ImageDecodeError.malformedChunk(offset: 33)) { try decode(long) }
        var noHeader = bytes
        noHeader[15] = 0x53
        #expect(throws: ImageDecodeError.malformedHeader(byteCount: 13)) { try decode(noHeader) }
    }

    // As libpng: what a damaged chunk beside the pixels says is not believed, and the image is intact.
    @Test func aDamagedChunkBesideThePixelsIsPassedOver() throws {
        for name in ["exif-6.png", "profile-plain.png", "xmp-6.png"] {
            var bytes = try ImageCases.file(name)
            #expect(try decode(bytes).width == 5)
            bytes[60] ^= 0x80
            #expect(try decode(bytes) == decode(bytes, exif: .ignore), "\(name)")
        }
        var transparency = try ImageCases.file("grey8-trns.png")
        transparency[41] ^= 1
        #expect(throws: ImageDecodeError.chunkChecksum(type: "tRNS", offset: 33)) { try decode(transparency) }
    }

    @Test func everyChecksumOfThePixelsCounts() throws {
        let bytes = try ImageCases.file("rgb8.png")
        let last = try #require(bytes.indices.last { bytes[$0...].starts(with: "IDAT".utf8) }) - 4
        for (chunk, offset, place) in [
            ("IHDR", 8, 29), ("IDAT", last, bytes.count - 14), ("IEND", bytes.count - 12, bytes.count - 1),
        ] {
            var changed = bytes
            changed[place] ^= 1
            #expect(throws: ImageDecodeError.chunkChecksum(type: chunk, offset: offset)) { try decode(changed) }
        }
    }

    @Test func pngWithFewerPixelsThanItsHeaderSaysIsRefused() throws {
        var bytes = try ImageCases.file("rgb8.png")
        bytes[23] += 1
        #expect(throws: ImageDecodeError.imageDataTooShort) { try decode(withTrueChecksums(bytes)) }
    }

    @Test func pngThatTheLibraryRefusesIsNamedByItsCode() throws {
        var bytes = try ImageCases.file("rgb8.png")
        bytes[24] = 3
        // SPNG_EBIT_DEPTH
        #expect(throws: ImageDecodeError.corruptPNG(code: 9)) { try decode(withTrueChecksums(bytes)) }
    }

    @Test func nonsenseInEXIFLeavesTheImageAsItIs() throws {
        let bytes = try ImageCases.file("exif-6.jpg")
        let stored = try decode(bytes, exif: .ignore)
        // The TIFF block begins after SOI, marker, length and mark: its byte order, magic, directory, entries, value.
        for (offset, value) in [
            (0, UInt8(0x58)), (2, 0), (4, 0xff), (7, 0xff), (24, 7), (29, 2), (30, 9), (30, 0),
        ] {
            var changed = bytes
            changed[12 + offset] = value
            #expect(try decode(changed) == stored, "\(offset)")
        }
    }

    // Texts decompress to at most 1 MiB, and only the last of a keyword does.
    @Test func bombsInTextsAreNotInflated() throws {
        let bytes = try ImageCases.file("profile-compressed.png")
        let stored = try decode(bytes, exif: .ignore)
        #expect(try decode(bytes) != stored)
        let length = Int(bytes[35]) << 8 | Int(bytes[36])
        let chunk = bytes[33..<45 + length]
        // 2 MiB of line ends, and of nothing: a profile behind three lines, too long either way.
        let bomb = try #require(try? ImageCases.file("text-bomb.zlib"))
        let payload = Array("zTXtRaw profile type exif\0\0".utf8) + bomb
        let size = [24, 16, 8, 0].map { UInt8((payload.count - 4) >> $0 & 0xff) }
        let bombs = [[UInt8]](repeating: size + payload + [0, 0, 0, 0], count: 2000).flatMap { $0 }
        let refused = withTrueChecksums(Array(bytes[..<33]) + bombs + bytes[(45 + length)...])
        #expect(try decode(refused) == stored)
        let last = withTrueChecksums(Array(bytes[..<33]) + bombs + chunk + bytes[(45 + length)...])
        #expect(try decode(last) == decode(bytes))
    }

    private func frameHeader(_ jpeg: [UInt8]) throws -> Int {
        try #require(jpeg.indices.dropLast().first { jpeg[$0] == 0xff && (0xc0...0xc2).contains(jpeg[$0 + 1]) })
    }
}
