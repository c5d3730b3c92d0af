// SPDX-License-Identifier: Apache-2.0

import HTTPWire
import TensorFiles

extension NPYError: ProblemConvertible {
    package var problem: Problem {
        switch self {
        case .notNPY, .malformedHeader, .headerBeyondEnd, .unsupportedVersion:
            .tensorShape("The npy file's header is malformed.", expected: "npy version 1 to 3", got: "other")
        case .dtypeUnsupported(let type):
            .tensorShape(
                "The array's dtype is '\(printable(type, limit: 64))'; a latent is float16, float32 or float64. "
                    + "Send images as JPEG, PNG or WebP.",
                expected: "float16, float32 or float64, in either byte order",
                got: printable(type, limit: 64)
            )
        case .shapeOverflow: .tensorShape("The shape is too large.", expected: "a shape that fits", got: "overflow")
        case .tooManyElements(let count, let limit): .tooManyValues(count: count, limit: limit)
        case .lengthMismatch(let expected, let found):
            .tensorShape(
                "The length of the data does not match the shape.",
                expected: "\(expected) bytes",
                got: "\(found) bytes"
            )
        }
    }
}

extension NPZError: ProblemConvertible {
    package var problem: Problem {
        switch self {
        case .zip(let error):
            .tensorShape("The npz file is not usable: \(error).", expected: "a zip archive of arrays", got: "other")
        case .missingArray(let name, let arrays):
            .tensorShape(
                "The npz file has \(arrays) arrays and none is called '\(name)'.",
                expected: "an array '\(name)', or one array of any name",
                got: "\(arrays) arrays"
            )
        case .array(_, let error): error.problem
        case .lengthMismatch(let entry, let expected, let found):
            .tensorShape(
                "The length of '\(printable(entry, limit: 64))' does not match its shape.",
                expected: "\(expected) bytes",
                got: "\(found) bytes"
            )
        case .tooLarge(let entry, let bytes, let limit):
            Problem(
                .bodyTooLarge,
                "The array '\(printable(entry, limit: 64))' has \(bytes) bytes when decompressed; for one request \(limit) "
                    + "are left.",
                [("limit", .integer(limit)), ("actual", .integer(bytes))]
            )
        case .impossibleSize(let entry, let bytes, let compressed):
            .tensorShape(
                "'\(printable(entry, limit: 64))' cannot have \(bytes) bytes: it is stored in \(compressed).",
                expected: "a length that DEFLATE can reach",
                got: "\(bytes) bytes"
            )
        case .inflation(let entry, _):
            .tensorShape(
                "The compressed data of '\(printable(entry, limit: 64))' is corrupt.",
                expected: "intact data",
                got: "other"
            )
        case .checksumDiffers(let entry):
            .tensorShape(
                "The CRC-32 of '\(printable(entry, limit: 64))' is wrong; the file was changed or damaged.",
                expected: "the CRC-32 of the archive",
                got: "another"
            )
        }
    }
}

extension SafetensorsError: ProblemConvertible {
    package var problem: Problem {
        switch self {
        case .foreign(let content):
            .tensorShape("This is not a safetensors file: \(content).", expected: "safetensors", got: "other")
        case .tooShort, .headerTooLong, .headerBeyondEnd, .headerNotJSON, .headerNotObject, .malformedMetadata:
            .tensorShape("The safetensors header is malformed.", expected: "a valid header", got: "other")
        case .malformedEntry(let tensor), .shapeOverflow(let tensor), .unknownDType(let tensor, _):
            .tensorShape(
                "The entry of a tensor is malformed.",
                expected: "a valid entry",
                got: printable(tensor, limit: 64)
            )
        case .lengthMismatch(let tensor, let expected, let found):
            .tensorShape(
                "The data of '\(printable(tensor, limit: 64))' has the wrong length.",
                expected: "\(expected) bytes",
                got: "\(found) bytes"
            )
        case .offsetsBeyondEnd(_, let end, let available):
            .tensorShape("A tensor lies beyond the end of the file.", expected: "at most \(available)", got: "\(end)")
        case .notContiguous(_, let expected, let found):
            .tensorShape("The tensors have a hole or overlap.", expected: "start \(expected)", got: "\(found)")
        case .trailingBytes(let expected, let found):
            .tensorShape("Bytes after the last tensor.", expected: "\(expected) bytes", got: "\(found) bytes")
        case .missingTensor(let name, let found):
            .tensorShape(
                "The safetensors file has no tensor '\(name)', but \(Self.listed(found)).",
                expected: "a tensor '\(name)', or one tensor of any name",
                got: "\(found.count) tensors"
            )
        case .unreadableDType(_, let code):
            .tensorShape(
                "The tensor's dtype is '\(printable(code, limit: 64))'; a latent is F16, BF16, F32 or F64. "
                    + "Send images as JPEG, PNG or WebP.",
                expected: "F16, BF16, F32 or F64",
                got: printable(code, limit: 64)
            )
        case .tooManyElements(_, let count, let limit): .tooManyValues(count: count, limit: limit)
        }
    }

    /// The first of the names, as many as a message has room for.
    private static func listed(_ names: [String]) -> String {
        let shown = names.prefix(8).map { "'\(printable($0, limit: 40))'" }
        if names.isEmpty { return "no tensor at all" }
        let rest = names.count > shown.count ? " and \(names.count - shown.count) more" : ""
        return shown.joined(separator: ", ") + rest
    }
}

extension JSONError: ProblemConvertible {
    package var problem: Problem {
        switch self {
        case .unexpectedByte(let byte, let offset):
            .malformedJSON("Unexpected byte 0x\(String(byte, radix: 16)) at \(offset).", offset: offset)
        case .unexpectedEnd(let offset): .malformedJSON("The JSON ends too early.", offset: offset)
        case .tooDeep(let limit, let offset): .malformedJSON("The JSON is nested deeper than \(limit).", offset: offset)
        case .tooManyValues(let limit, let offset):
            .malformedJSON("The JSON has more than \(limit) values.", offset: offset)
        case .duplicateKey(let key, let offset):
            .malformedJSON("Duplicate member '\(printable(key, limit: 64))'.", offset: offset)
        case .invalidNumber(let offset): .malformedJSON("A number is malformed.", offset: offset)
        case .invalidString(let offset):
            .malformedJSON("A string is malformed: UTF-8, an escape or its end.", offset: offset)
        case .nameTooLong(let limit, let offset):
            .malformedJSON("The name of a member is longer than \(limit) bytes.", offset: offset)
        }
    }
}

extension MultipartError: ProblemConvertible {
    package var problem: Problem {
        switch self {
        case .missingBoundary: .malformedMultipart("Content-Type has no boundary.", offset: 0)
        case .invalidBoundary(let length):
            .malformedMultipart("The boundary has \(length) characters; 1 to 70 are allowed.", offset: 0)
        case .noParts: .malformedMultipart("The body has no part.", offset: 0)
        case .malformedBoundaryLine(let offset): .malformedMultipart("A boundary line is malformed.", offset: offset)
        case .malformedPartHeader(let offset): .malformedMultipart("The header of a part is malformed.", offset: offset)
        case .missingDisposition(let offset):
            .malformedMultipart(
                "A part has no Content-Disposition; each needs 'Content-Disposition: form-data; name=\"...\"'.",
                offset: offset
            )
        case .repeatedDisposition(let offset):
            .malformedMultipart("A part has two Content-Disposition headers.", offset: offset)
        case .partHeaderTooLong(let limit, let offset):
            .malformedMultipart("The header of a part is longer than \(limit) bytes.", offset: offset)
        case .tooManyParts(let limit, let offset):
            .malformedMultipart("The body has more than \(limit) parts.", offset: offset)
        case .missingEnd(let offset): .malformedMultipart("The closing boundary is missing.", offset: offset)
        }
    }
}

extension Problem {
    static func tensorShape(_ detail: String, expected: String, got: String) -> Problem {
        Problem(.tensorShape, detail, [("expected", .string(expected)), ("got", .string(got))])
    }

    /// More values than the latents of one request can have.
    static func tooManyValues(count: Int, limit: Int) -> Problem {
        Problem(
            .tooManyItems,
            "The tensor has \(count) values; the latents of one request may have \(limit).",
            [("limit", .integer(limit)), ("actual", .integer(count))]
        )
    }

    static func malformedMultipart(_ detail: String, offset: Int) -> Problem {
        Problem(.malformedMultipart, detail, [("offset", .integer(offset))])
    }
}
