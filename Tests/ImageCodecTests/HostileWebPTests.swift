// SPDX-License-Identifier: Apache-2.0

import Fixtures
import ImageCodec
import Testing

/// WebP files that lie.
@Suite struct HostileWebPTests {
    private func riff(_ chunks: [(type: String, payload: [UInt8])]) -> [UInt8] {
        let body =
            Array("WEBP".utf8)
            + chunks.flatMap { chunk -> [UInt8] in
                let padding = [UInt8](repeating: 0, count: chunk.payload.count % 2)
                return Array(chunk.type.utf8) + littleEndian(chunk.payload.count, 4) + chunk.payload + padding
            }
        return Array("RIFF".utf8) + littleEndian(body.count, 4) + body
    }

    private func littleEndian(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(value >> (8 * $0) & 0xff) }
    }

    private func canvas(_ width: Int, _ height: Int, flags: UInt8 = 0) -> (type: String, payload: [UInt8]) {
        ("VP8X", [flags, 0, 0, 0] + littleEndian(width - 1, 3) + littleEndian(height - 1, 3))
    }

    private func frame(left: Int, top: Int, _ chunks: [UInt8]) -> (type: String, payload: [UInt8]) {
        let place = littleEndian(left / 2, 3) + littleEndian(top / 2, 3)
        return ("ANMF", place + littleEndian(19, 3) + littleEndian(13, 3) + [0, 0, 0, 0] + chunks)
    }

    /// The VP8 chunk of 20 x 14 pixels in a fixture.
    private func image() throws -> (type: String, payload: [UInt8]) {
        let file = try ImageCases.file("trailing.webp")
        let length = Int(file[16]) | Int(file[17]) << 8
        return ("VP8 ", Array(file[20..<20 + length]))
    }

    @Test(arguments: ["lossy.webp", "lossless-alpha.webp", "lossy-alpha.webp", "exif-6.webp", "animation-offset.webp"])
    func filesCutAnywhereAreRefused(name: String) throws {
        let bytes = try ImageCases.file(name)
        for length in 0..<bytes.count {
            #expect(throws: ImageDecodeError.self, "\(length) bytes") { try decode(Array(bytes.prefix(length))) }
        }
        #expect(throws: ImageDecodeError.truncated(byteCount: bytes.count - 1)) { try decode(Array(bytes.dropLast())) }
    }

    // The RIFF header promises no more than there is, so that libwebp sees the cut.
    @Test(arguments: ["lossy.webp", "lossless.webp", "lossless-alpha.webp"])
    func imagesCutWithinTheirChunkAreRefused(name: String) throws {
        let bytes = try ImageCases.file(name)
        for part in [0.1, 0.5, 0.9] {
            let payload = bytes[20..<20 + Int(Double(bytes.count - 20) * part)]
            let type = String(decoding: bytes[12..<16], as: UTF8.self)
            #expect {
                try decode(riff([(type, Array(payload))]))
            } throws: { error in
                guard case .corruptWebP(let status) = error as? ImageDecodeError else { return false }
                return status != 0
            }
        }
    }

    @Test func sizesAreHeldAgainstTheLimitsBeforePixels() throws {
        for name in ["lossy.webp", "lossless.webp", "animation.webp"] {
            let bytes = try ImageCases.file(name)
            #expect(throws: ImageDecodeError.tooManyPixels(width: 83, height: 61, limit: 5062)) {
                try decode(bytes, limits: ImageLimits(maximumPixels: 5062))
            }
            #expect(throws: ImageDecodeError.sideTooLong(width: 83, height: 61, limit: 82)) {
                try decode(bytes, limits: ImageLimits(maximumSide: 82))
            }
            #expect(try decode(bytes, limits: ImageLimits(maximumPixels: 5063, maximumSide: 83)).width == 83)
        }
        let side = 1 << 24
        #expect(throws: ImageDecodeError.sideTooLong(width: side, height: side, limit: 16384)) {
            try decode(riff([canvas(side, side), image()]))
        }
        #expect(throws: ImageDecodeError.tooManyPixels(width: 16384, height: 16384, limit: 64_000_000)) {
            try decode(riff([canvas(16384, 16384), image()]))
        }
    }

    @Test func anImageThatThereIsNoMemoryForIsRefused() throws {
        let side = 1 << 24
        let bytes = riff([
            canvas(side, side, flags: 0x12), frame(left: 0, top: 0, Array(try riff([image()]).dropFirst(12))),
        ])
        let limits = ImageLimits(maximumPixels: .max, maximumSide: .max)
        #expect(throws: ImageDecodeError.outOfMemory(byteCount: 4 * side * side)) {
            try bytes.withUnsafeBytes { try decodeCenterCropped($0, to: 8, limits: limits) }
        }
    }

    @Test func theImageFitsItsCanvas() throws {
        let image = try image()
        #expect(try decode(riff([canvas(20, 14), image])).width == 20)
        for (width, height) in [(21, 14), (20, 15), (19, 14), (20, 13)] {
            #expect(throws: ImageDecodeError.frameOutsideCanvas(width: 20, height: 14)) {
                try decode(riff([canvas(width, height), image]))
            }
        }
        let chunks = Array(riff([image]).dropFirst(12))
        #expect(try decode(riff([canvas(24, 18, flags: 2), frame(left: 4, top: 4, chunks)])).height == 18)
        for (left, top) in [(6, 4), (4, 6), (1 << 24, 0), (0, 1 << 24)] {
            #expect(throws: ImageDecodeError.frameOutsideCanvas(width: 20, height: 14)) {
                try decode(riff([canvas(24, 18, flags: 2), frame(left: left, top: top, chunks)]))
            }
        }
    }

    @Test func chunksThatDoNotFitAreRefused() throws {
        let image = try image()
        #expect(throws: ImageDecodeError.missingFrame) { try decode(riff([canvas(20, 14)])) }
        #expect(throws: ImageDecodeError.missingFrame) { try decode(riff([canvas(20, 14, flags: 2), image])) }
        #expect(throws: ImageDecodeError.missingFrame) {
            try decode(riff([canvas(20, 14, flags: 2), frame(left: 0, top: 0, [])]))
        }
        #expect(throws: ImageDecodeError.malformedWebP(chunk: "VP8X", offset: 12)) {
            try decode(riff([("VP8X", [0, 0, 0, 0]), image]))
        }
        #expect(throws: ImageDecodeError.malformedWebP(chunk: "ANMF", offset: 30)) {
            try decode(riff([canvas(20, 14, flags: 2), ("ANMF", [0, 0, 0])]))
        }
        var long = riff([canvas(20, 14), ("EXIF", [1, 2]), image])
        long[34] = 0xff
        long[35] = 0xff
        #expect(throws: ImageDecodeError.malformedWebP(chunk: "EXIF", offset: 30)) { try decode(long) }
        #expect(throws: ImageDecodeError.self) { try decode(riff([("VP8 ", [])])) }
        #expect(throws: ImageDecodeError.self) { try decode(riff([("what", [1, 2]), image])) }
        #expect(throws: ImageDecodeError.truncated(byteCount: 12)) { try decode(riff([])) }
    }

    @Test func damagedAlphaIsRefused() throws {
        let image = try image()
        let alpha = ("ALPH", [UInt8](repeating: 1, count: 5))
        #expect(throws: ImageDecodeError.self) { try decode(riff([canvas(20, 14, flags: 0x10), alpha, image])) }
        // Without its flag alpha is no part of the image.
        #expect(try decode(riff([canvas(20, 14), alpha, image])) == decode(riff([image])))
    }

    // Each is 8 bytes of a file of many megabytes; nothing is kept of them.
    @Test func aMillionChunksAreSkipped() throws {
        let image = try image()
        let many = [(type: String, payload: [UInt8])](repeating: ("none", []), count: 200_000)
        #expect(try decode(riff([canvas(20, 14)] + many + [image] + many)) == decode(riff([image])))
    }
}
