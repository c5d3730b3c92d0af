// SPDX-License-Identifier: Apache-2.0

import ImageCodec
import TensorFiles

extension ImageDecodeError: ProblemConvertible {
    package var problem: Problem {
        switch self {
        case .notAnImage: .unsupportedMedia("The bytes are neither JPEG, PNG nor WebP.", sniffed: "unknown")
        case .outOfMemory(let byteCount):
            Problem(
                .overloaded,
                "There is not enough memory for the pixels of this image now; try again later.",
                [("bytes", .integer(byteCount))]
            ).retrying(afterSeconds: 1)
        case .tooManyPixels(let width, let height, let limit):
            Problem(
                .tooManyPixels,
                "The image has \(width) x \(height) pixels; at most \(limit) are allowed.",
                [("limit", .integer(limit)), ("actual", .integer(width * height))]
            )
        case .sideTooLong(let width, let height, let limit):
            Problem(
                .tooManyPixels,
                "The image has \(width) x \(height) pixels; at most \(limit) are allowed per side.",
                [("limit", .integer(limit)), ("actual", .integer(max(width, height)))]
            )
        case .tooManyScans(let limit):
            .undecodable("The JPEG has more than \(limit) scans.", expected: "at most \(limit) scans", got: "more")
        case .emptyImage(let width, let height):
            .undecodable("The image has no pixels.", expected: "sides above 0", got: "\(width) x \(height)")
        case .truncated(let count):
            .undecodable("The file is truncated.", expected: "a whole file", got: "\(count) bytes")
        case .malformedSegment(let marker, let offset):
            .undecodable(
                "A JPEG segment is malformed.",
                expected: "a valid segment",
                got: "marker \(marker) at \(offset)"
            )
        case .missingFrameHeader(let offset), .repeatedFrameHeader(let offset):
            .undecodable(
                "The JPEG has no frame header, or more than one.",
                expected: "one frame header",
                got: "other at \(offset)"
            )
        case .missingScan: .undecodable("The JPEG has no scan.", expected: "a scan", got: "none")
        case .unsupportedProcess(let marker):
            .undecodable(
                "\(Self.processName(marker)) JPEG is not supported; convert to baseline or progressive JPEG, or to PNG.",
                expected: "baseline or progressive",
                got: "SOF\(Int(marker) - 0xC0)"
            )
        case .unsupportedPrecision(let bits):
            .undecodable(
                "JPEG of \(bits) bits is not supported; convert to 8 bits.",
                expected: "8 bits",
                got: "\(bits) bits"
            )
        case .unsupportedComponents(let count):
            .undecodable(
                "A JPEG of \(count) components is not supported; convert to RGB or grey.",
                expected: "1, 3 or 4",
                got: "\(count)"
            )
        case .corruptJPEG(let reason):
            .undecodable(
                "The data of the JPEG is corrupt.",
                expected: "intact data",
                got: printable(reason, limit: 120)
            )
        case .malformedHeader(let count):
            .undecodable("The PNG does not begin with a valid IHDR chunk.", expected: "13 bytes", got: "\(count) bytes")
        case .malformedChunk(let offset):
            .undecodable("A PNG chunk is malformed.", expected: "a valid chunk", got: "other at \(offset)")
        case .unknownCriticalChunk(let type, let offset), .misplacedChunk(let type, let offset),
            .chunkChecksum(let type, let offset):
            .undecodable("A PNG chunk is not valid.", expected: "a valid chunk", got: "\(type) at \(offset)")
        case .missingImageData: .undecodable("The PNG has no image data.", expected: "IDAT", got: "none")
        case .imageDataTooShort:
            .undecodable("The image data of the PNG ends too early.", expected: "all rows", got: "fewer")
        case .corruptPNG(let code):
            .undecodable("The data of the PNG is corrupt.", expected: "intact data", got: "error \(code)")
        case .malformedWebP(let chunk, let offset):
            .undecodable("A WebP chunk is malformed.", expected: "a valid chunk", got: "\(chunk) at \(offset)")
        case .missingFrame: .undecodable("The WebP has no image.", expected: "VP8, VP8L or ANMF", got: "none")
        case .frameOutsideCanvas(let width, let height):
            .undecodable(
                "The image of the WebP does not fit its canvas.",
                expected: "an image as large as the canvas, or a frame inside of it",
                got: "\(width) x \(height)"
            )
        case .corruptWebP(let status):
            .undecodable("The data of the WebP is corrupt.", expected: "intact data", got: "status \(status)")
        }
    }

    /// By the SOF marker: ITU-T T.81, table B.1.
    private static func processName(_ marker: UInt8) -> String {
        switch marker {
        case 0xC3, 0xC7: "Lossless"
        case 0xC5, 0xC6: "Hierarchical"
        case 0xC9...0xCF: "Arithmetic-coded"
        default: "This kind of"
        }
    }
}

extension ImageEncodeError: ProblemConvertible {
    package var problem: Problem {
        switch self {
        case .qualityOutOfRange(let quality, let allowed):
            .badParameter("quality", String(quality), allowed: "\(allowed.lowerBound) to \(allowed.upperBound)")
        case .sideTooLong(let width, let height, let limit):
            Problem(
                .tooManyPixels,
                "The image would have \(width) x \(height) pixels; its format allows \(limit) a side. "
                    + "Ask for image_format=png, or send fewer items or levels.",
                [("limit", .integer(limit)), ("actual", .integer(max(width, height)))]
            )
        }
    }
}

extension Problem {
    static func undecodable(_ detail: String, expected: String, got: String) -> Problem {
        Problem(.imageUndecodable, detail, [("expected", .string(expected)), ("got", .string(got))])
    }
}
