// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands
import HTTPWire
import ImageCodec
import InferenceQueue
import TensorFiles

// Every target's errors become problems here and nowhere else. No `default:`, so that a new case asks for its answer.

extension ImageDecodeError: ProblemConvertible {
    package var problem: Problem {
        switch self {
        case .notAnImage: .unsupportedMedia("The bytes are neither JPEG nor PNG.", sniffed: "unknown")
        case .outOfMemory(let byteCount):
            Problem(
                .overloaded,
                "There is no memory for this picture's pixels now.",
                [("bytes", .integer(byteCount))]
            ).retrying(afterSeconds: 1)
        case .tooManyPixels(let width, let height, let limit):
            Problem(
                .tooManyPixels,
                "\(width) x \(height) pixels; the limit is \(limit).",
                [("limit", .integer(limit)), ("actual", .integer(width * height))]
            )
        case .sideTooLong(let width, let height, let limit):
            Problem(
                .tooManyPixels,
                "\(width) x \(height) pixels; the limit is \(limit) a side.",
                [("limit", .integer(limit)), ("actual", .integer(max(width, height)))]
            )
        case .tooManyScans(let limit):
            .undecodable("The JPEG has more than \(limit) scans.", expected: "at most \(limit) scans", got: "more")
        case .emptyPicture(let width, let height):
            .undecodable("The picture has no pixels.", expected: "sides above 0", got: "\(width) x \(height)")
        case .truncated(let count):
            .undecodable("The file ends too early.", expected: "a whole file", got: "\(count) bytes")
        case .malformedSegment(let marker, let offset):
            .undecodable(
                "A JPEG segment is malformed.",
                expected: "a valid segment",
                got: "marker \(marker) at \(offset)"
            )
        case .missingFrameHeader(let offset), .repeatedFrameHeader(let offset):
            .undecodable("A JPEG has one frame header.", expected: "one frame header", got: "other at \(offset)")
        case .missingScan: .undecodable("The JPEG has no scan.", expected: "a scan", got: "none")
        case .unsupportedProcess(let marker):
            .undecodable("This JPEG process is not read.", expected: "baseline or progressive", got: "SOF \(marker)")
        case .unsupportedPrecision(let bits):
            .undecodable("Only 8-bit JPEG is read.", expected: "8 bits", got: "\(bits) bits")
        case .unsupportedComponents(let count):
            .undecodable("The JPEG's components are not read.", expected: "1, 3 or 4", got: "\(count)")
        case .corruptJPEG(let reason):
            .undecodable("The JPEG's data is damaged.", expected: "intact data", got: String(reason.prefix(120)))
        case .malformedHeader(let count):
            .undecodable("The PNG does not begin with its header.", expected: "13 bytes", got: "\(count) bytes")
        case .malformedChunk(let offset):
            .undecodable("A PNG chunk is malformed.", expected: "a valid chunk", got: "other at \(offset)")
        case .unknownCriticalChunk(let type, let offset), .misplacedChunk(let type, let offset),
            .chunkChecksum(let type, let offset):
            .undecodable("A PNG chunk cannot be used.", expected: "a valid chunk", got: "\(type) at \(offset)")
        case .missingImageData: .undecodable("The PNG has no pixels.", expected: "IDAT", got: "none")
        case .imageDataTooShort: .undecodable("The PNG's pixels end too early.", expected: "all rows", got: "fewer")
        case .corruptPNG(let code):
            .undecodable("The PNG's data is damaged.", expected: "intact data", got: "error \(code)")
        }
    }
}

extension TaskError: ProblemConvertible {
    package var problem: Problem {
        switch self {
        case .pixelCount(let expected, let found), .latentCount(let expected, let found):
            .tensorShape("The input has \(found) values, not \(expected).", expected: "\(expected)", got: "\(found)")
        case .inputNotFinite(let index):
            Problem(.tensorNonfinite, "Value \(index) is not finite.", [("index", .integer(index))])
        case .resultNotFinite:
            Problem(.tensorNonfinite, "The latent's values are so large that the result overflows.", [])
        case .frequencyTokenCount(let found, let minimum, let maximum):
            .tensorShape("\(found) coefficients.", expected: "\(minimum) to \(maximum)", got: "\(found)")
        case .compactSide(let found, let maximum):
            .tensorShape("\(found) tokens a side.", expected: "1 to \(maximum)", got: "\(found)")
        case .split(let error), .bands(let error): error.problem
        case .bandsUnavailable:
            .featureUnavailable("freq_ratio needs FFT bands, which this model does not have.", missing: "fft-bands")
        case .frequencyRatioOutOfRange(let ratio):
            .badParameter("freq_ratio", String(ratio), allowed: "a number from 0 to 1")
        case .frequencyRatioNeedsPixels:
            .conflict("freq_ratio", "it acts while an image is encoded, and a latent was sent")
        case .bandEnergiesNeedPixels:
            .conflict("transform", "the FFT bands of this model exist while it encodes an image, and a latent was sent")
        case .bandEnergiesNeedBands:
            .conflict("apply_frequency", "transform=fft shows the bands that apply_frequency=false leaves out")
        case .normalizationUnavailable:
            .featureUnavailable("This model has no normalisation statistics.", missing: "stats")
        case .headUnavailable: .featureUnavailable("This model has no classification head.", missing: "head")
        case .compactDecodeUnavailable:
            .featureUnavailable("This model's decoder needs the whole grid.", missing: "compact-decode")
        case .compactTokensOnlyDecode: .conflict("cutoff_mode", "compact tokens only decode to a picture")
        case .needsPixels: .conflict("of", "of=image needs a picture, this is a latent")
        case .nothingAsked, .severalEnergies: Problem(.internalError, "The task was not understood.")
        }
    }
}

extension BandError: ProblemConvertible {
    package var problem: Problem {
        switch self {
        case .countOutOfRange(let count, let limit): .keepOutOfRange(String(count), limit: limit)
        case .countNotSquare(let count, let nearest): .notSquare("keep", count, nearest: nearest)
        case .restNotSquare(let count, let rest, let allowed):
            .badParameter(
                "keep",
                String(count),
                allowed: "one of \(allowed.map(String.init).joined(separator: ", ")) with a drop mode and map2d_square "
                    + "(\(rest) coefficients would remain, which is not a square number)"
            )
        case .gridNotSquare(let height, let width):
            .conflict("cutoff_mode", "map2d_square needs a square grid, this model's is \(height) x \(width)")
        case .bandCountOutOfRange(let count, let limit):
            .badParameter("bands", String(count), allowed: "an integer from 1 to \(limit)")
        }
    }
}

extension QueueError: ProblemConvertible {
    package var problem: Problem {
        switch self {
        case .full(let queued, let requested, let capacity, let seconds):
            Problem(
                .queueFull,
                "\(queued) of \(capacity) places are taken; this request needs \(requested).",
                [("queue_items", .integer(queued)), ("capacity", .integer(capacity))]
            ).retrying(afterSeconds: seconds)
        case .requestTooLarge(let items, let capacity):
            Problem(
                .tooManyItems,
                "The queue holds \(capacity) items, this request has \(items).",
                [("limit", .integer(capacity)), ("actual", .integer(items))]
            )
        case .workerHung(let busy): .workerUnhealthy(busyFor: busy)
        case .deadlineExceeded(let stage, let timeout):
            Problem(
                .deadlineExceeded,
                "The request was not done in time.",
                [("where", .string(stage.rawValue)), ("timeout_ms", .integer(Int(timeout / .milliseconds(1))))]
            )
        case .cancelled: Problem(.internalError, "The client left.")
        }
    }
}

extension NPYError: ProblemConvertible {
    package var problem: Problem {
        switch self {
        case .notNPY, .malformedHeader, .headerBeyondEnd, .unsupportedVersion:
            .tensorShape("The npy file's header is malformed.", expected: "npy version 1 to 3", got: "other")
        case .fortranOrder: .tensorShape("The array is in Fortran order.", expected: "C order", got: "Fortran order")
        case .dtypeUnsupported(let type):
            .tensorShape("The array's type is not taken.", expected: "<f4, <f2 or |u1", got: type)
        case .shapeOverflow: .tensorShape("The shape is too large.", expected: "a shape that fits", got: "overflow")
        case .tooManyElements(let count, let limit):
            .tensorShape("The array is too large.", expected: "at most \(limit) values", got: "\(count)")
        case .lengthMismatch(let expected, let found):
            .tensorShape("The data does not fit the shape.", expected: "\(expected) bytes", got: "\(found) bytes")
        }
    }
}

extension SafetensorsError: ProblemConvertible {
    package var problem: Problem {
        switch self {
        case .tooShort, .headerTooLong, .headerBeyondEnd, .headerNotJSON, .headerNotObject, .malformedMetadata:
            .tensorShape("The safetensors header is malformed.", expected: "a valid header", got: "other")
        case .malformedEntry(let tensor), .shapeOverflow(let tensor), .unknownDType(let tensor, _):
            .tensorShape("A tensor's entry is malformed.", expected: "a valid entry", got: String(tensor.prefix(64)))
        case .lengthMismatch(let tensor, let expected, let found):
            .tensorShape("\(tensor.prefix(64)): wrong length.", expected: "\(expected) bytes", got: "\(found) bytes")
        case .offsetsBeyondEnd(_, let end, let available):
            .tensorShape("A tensor lies beyond the end.", expected: "at most \(available)", got: "\(end)")
        case .notContiguous(_, let expected, let found):
            .tensorShape("The tensors have a hole or overlap.", expected: "start \(expected)", got: "\(found)")
        case .trailingBytes(let expected, let found):
            .tensorShape("Bytes belong to no tensor.", expected: "\(expected) bytes", got: "\(found) bytes")
        case .missingTensor(let name): .tensorShape("There is no tensor '\(name)'.", expected: name, got: "none")
        case .unreadableDType(_, let code):
            .tensorShape("The tensor's type is not taken.", expected: "F32, F16 or BF16", got: code)
        case .tooManyElements(_, let count, let limit):
            .tensorShape("The tensor is too large.", expected: "at most \(limit) values", got: "\(count)")
        }
    }
}

extension MultipartError: ProblemConvertible {
    package var problem: Problem {
        switch self {
        case .missingBoundary: .malformedMultipart("Content-Type has no boundary.", offset: 0)
        case .invalidBoundary(let length):
            .malformedMultipart("The boundary has \(length) characters; 1 to 70 are allowed.", offset: 0)
        case .noParts: .malformedMultipart("The body holds no part.", offset: 0)
        case .malformedBoundaryLine(let offset): .malformedMultipart("A boundary line is malformed.", offset: offset)
        case .malformedPartHeader(let offset): .malformedMultipart("A part's header is malformed.", offset: offset)
        case .partHeaderTooLong(let limit, let offset):
            .malformedMultipart("A part's header is longer than \(limit) bytes.", offset: offset)
        case .tooManyParts(let limit, let offset):
            .malformedMultipart("There are more than \(limit) parts.", offset: offset)
        case .missingEnd(let offset): .malformedMultipart("The last boundary is missing.", offset: offset)
        }
    }
}

extension ImageEncodeError: ProblemConvertible {
    package var problem: Problem {
        switch self {
        case .qualityOutOfRange(let quality, let allowed):
            .badParameter("quality", String(quality), allowed: "\(allowed.lowerBound) to \(allowed.upperBound)")
        case .sideTooLong: Problem(.internalError, "The picture could not be written.")
        }
    }
}

extension Problem {
    static let draining = Problem(.draining, "The service is shutting down.", [("phase", "draining")])
        .retrying(afterSeconds: 5)

    static func featureUnavailable(_ detail: String, missing: String) -> Problem {
        Problem(.featureUnavailable, detail, [("missing", .string(missing))])
    }

    static func undecodable(_ detail: String, expected: String, got: String) -> Problem {
        Problem(.imageUndecodable, detail, [("expected", .string(expected)), ("got", .string(got))])
    }

    static func tensorShape(_ detail: String, expected: String, got: String) -> Problem {
        Problem(.tensorShape, detail, [("expected", .string(expected)), ("got", .string(got))])
    }

    static func malformedMultipart(_ detail: String, offset: Int) -> Problem {
        Problem(.malformedMultipart, detail, [("offset", .integer(offset))])
    }
}
