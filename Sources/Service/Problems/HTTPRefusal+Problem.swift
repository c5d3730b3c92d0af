// SPDX-License-Identifier: Apache-2.0

import HTTPWire

extension HTTPRefusal: ProblemConvertible {
    package var problem: Problem {
        var problem = unclosed
        problem.closesConnection = true
        return problem
    }

    private var unclosed: Problem {
        switch self {
        case .bareLineFeed: Problem(.badRequest, "A line ends with a bare LF.")
        case .bareCarriageReturn: Problem(.badRequest, "A CR stands alone.")
        case .tooManyEmptyLines(let limit): Problem(.badRequest, "More than \(limit) empty lines before the request.")
        case .malformedRequestLine: Problem(.badRequest, "The request line is malformed.")
        case .malformedTarget: Problem(.badRequest, "The request target is malformed.")
        case .malformedVersion: Problem(.badRequest, "The HTTP version is malformed.")
        case .malformedField: Problem(.badRequest, "A header field is malformed.")
        case .invalidFieldValue: Problem(.badRequest, "A header field's value holds control characters.")
        case .lineFolding: Problem(.badRequest, "Header fields must not be folded.")
        case .missingHost: Problem(.badRequest, "The Host field is missing.")
        case .duplicateHost: Problem(.badRequest, "The Host field stands twice.")
        case .invalidHost: Problem(.badRequest, "The Host field is not valid.")
        case .malformedContentLength: Problem(.badRequest, "Content-Length is not a number that fits.")
        case .duplicateContentLength: Problem(.badRequest, "Content-Length stands twice.")
        case .contentLengthWithTransferEncoding:
            Problem(.badRequest, "Content-Length and Transfer-Encoding exclude each other.")
        case .malformedTransferEncoding: Problem(.badRequest, "Transfer-Encoding must be exactly 'chunked'.")
        case .transferEncodingInHTTP10: Problem(.badRequest, "HTTP/1.0 has no Transfer-Encoding.")
        case .malformedChunk: Problem(.badRequest, "The chunked body is malformed.")
        case .chunkLineTooLong(let limit): Problem(.badRequest, "A chunk's line is longer than \(limit) octets.")
        case .headTimeout: Problem(.bodyTimeout, "The request's head did not arrive in time.", [("where", "head")])
        case .bodyTimeout: Problem(.bodyTimeout, "The request's body did not arrive in time.", [("where", "body")])
        case .bodyTooLarge(let limit, let actual):
            Problem(
                .bodyTooLarge,
                "The body is longer than \(limit) bytes.",
                [("limit", .integer(limit)), ("actual", actual.map(JSONValue.integer) ?? .null)]
            )
        case .targetTooLong(let limit):
            Problem(.targetTooLong, "The request line is longer than \(limit) octets.", [("limit", .integer(limit))])
        case .expectationFailed: Problem(.expectationFailed, "Only 'Expect: 100-continue' is known.")
        case .headTooLarge(let limit):
            Problem(.headersTooLarge, "The header is longer than \(limit) octets.", [("limit", .integer(limit))])
        case .tooManyFields(let limit):
            Problem(.headersTooLarge, "More than \(limit) header fields.", [("limit", .integer(limit))])
        case .unknownMethod: .featureUnavailable("The method is not implemented.", missing: "method")
        case .connectMethod: .featureUnavailable("CONNECT is not implemented.", missing: "method")
        case .unknownTransferCoding:
            .featureUnavailable("The transfer coding is not implemented.", missing: "transfer-coding")
        case .tooManyBytesInFlight(let limit):
            Problem(.overloaded, "Request bodies of \(limit) bytes are held already.", [("limit", .integer(limit))])
                .retrying(afterSeconds: 1)
        case .outOfMemory(let byteCount):
            Problem(.overloaded, "There is no memory for this body now.", [("bytes", .integer(byteCount))])
                .retrying(afterSeconds: 1)
        case .tooManyConnections(let limit):
            Problem(.overloaded, "\(limit) connections are open already.", [("limit", .integer(limit))])
                .retrying(afterSeconds: 1)
        case .unsupportedVersion: Problem(.versionNotSupported, "Only HTTP/1.0, HTTP/1.1 and HTTP/2 are spoken here.")
        }
    }
}
