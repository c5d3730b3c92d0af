// SPDX-License-Identifier: Apache-2.0

import HTTPWire
import TensorFiles

extension NPYError: ProblemConvertible {
    package var problem: Problem {
        switch self {
        case .notNPY, .malformedHeader, .headerBeyondEnd, .unsupportedVersion:
            .tensorShape("The npy file's header is malformed.", expected: "npy version 1 to 3", got: "other")
        case .fortranOrder:
            .tensorShape(
                "The array is in Fortran order; save it in C order.",
                expected: "C order",
                got: "Fortran order"
            )
        case .dtypeUnsupported(let type):
            .tensorShape("The dtype of the array is not supported.", expected: "<f4, <f2 or |u1", got: type)
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
                got: String(tensor.prefix(64))
            )
        case .lengthMismatch(let tensor, let expected, let found):
            .tensorShape(
                "The data of '\(tensor.prefix(64))' has the wrong length.",
                expected: "\(expected) bytes",
                got: "\(found) bytes"
            )
        case .offsetsBeyondEnd(_, let end, let available):
            .tensorShape("A tensor lies beyond the end of the file.", expected: "at most \(available)", got: "\(end)")
        case .notContiguous(_, let expected, let found):
            .tensorShape("The tensors have a hole or overlap.", expected: "start \(expected)", got: "\(found)")
        case .trailingBytes(let expected, let found):
            .tensorShape("Bytes after the last tensor.", expected: "\(expected) bytes", got: "\(found) bytes")
        case .missingTensor(let name): .tensorShape("There is no tensor '\(name)'.", expected: name, got: "none")
        case .unreadableDType(_, let code):
            .tensorShape("The dtype of the tensor is not supported.", expected: "F32, F16 or BF16", got: code)
        case .tooManyElements(_, let count, let limit): .tooManyValues(count: count, limit: limit)
        }
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
            .malformedJSON("Duplicate member '\(key.prefix(64))'.", offset: offset)
        case .invalidNumber(let offset): .malformedJSON("A number is malformed.", offset: offset)
        case .invalidString(let offset):
            .malformedJSON("A string is malformed: UTF-8, an escape or its end.", offset: offset)
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
