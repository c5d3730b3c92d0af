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
        case .bareLineFeed: Problem(.badRequest, "Bare LF in the request head; lines end with CR LF.")
        case .bareCarriageReturn: Problem(.badRequest, "Bare CR in the request head; lines end with CR LF.")
        case .tooManyEmptyLines(let limit): Problem(.badRequest, "More than \(limit) empty lines before the request.")
        case .malformedRequestLine: Problem(.badRequest, "The request line is malformed.")
        case .malformedTarget: Problem(.badRequest, "The request target is malformed.")
        case .malformedVersion: Problem(.badRequest, "The HTTP version is malformed.")
        case .malformedField: Problem(.badRequest, "A header line is malformed; it must be 'Name: value'.")
        case .invalidFieldValue: Problem(.badRequest, "The value of a header contains control characters.")
        case .lineFolding: Problem(.badRequest, "A header continues on a second line, which is not allowed.")
        case .missingHost: Problem(.badRequest, "The Host header is missing.")
        case .duplicateHost: Problem(.badRequest, "Duplicate Host header.")
        case .invalidHost: Problem(.badRequest, "The Host header is not a valid host and port.")
        case .malformedContentLength: Problem(.badRequest, "Content-Length is not a whole number, or too large.")
        case .duplicateContentLength: Problem(.badRequest, "Duplicate Content-Length header.")
        case .contentLengthWithTransferEncoding:
            Problem(.badRequest, "Content-Length and Transfer-Encoding are both present; send one of them.")
        case .malformedTransferEncoding: Problem(.badRequest, "Transfer-Encoding must be exactly 'chunked'.")
        case .transferEncodingInHTTP10:
            Problem(.badRequest, "Transfer-Encoding is not allowed in HTTP/1.0; send Content-Length.")
        case .malformedChunk: Problem(.badRequest, "The chunked body is malformed.")
        case .chunkLineTooLong(let limit):
            Problem(.badRequest, "The size line of a chunk is longer than \(limit) bytes.")
        case .headTimeout: Problem(.bodyTimeout, "The head of the request did not arrive in time.", [("where", "head")])
        case .bodyTimeout: Problem(.bodyTimeout, "The body of the request did not arrive in time.", [("where", "body")])
        case .bodyTooLarge(let limit, let actual):
            Problem(
                .bodyTooLarge,
                "The body is longer than \(limit) bytes.",
                [("limit", .integer(limit)), ("actual", actual.map(JSONValue.integer) ?? .null)]
            )
        case .targetTooLong(let limit):
            Problem(.targetTooLong, "The request line is longer than \(limit) bytes.", [("limit", .integer(limit))])
        case .expectationFailed:
            Problem(.expectationFailed, "The only supported expectation is 'Expect: 100-continue'.")
        case .headTooLarge(let limit):
            Problem(
                .headersTooLarge,
                "The headers are longer than \(limit) bytes in total.",
                [("limit", .integer(limit))]
            )
        case .tooManyFields(let limit):
            Problem(.headersTooLarge, "The request has more than \(limit) headers.", [("limit", .integer(limit))])
        case .unknownMethod: .featureUnavailable("The method is not implemented.", missing: "method")
        case .connectMethod: .featureUnavailable("CONNECT is not implemented.", missing: "method")
        case .unknownTransferCoding:
            .featureUnavailable("The transfer coding is not implemented.", missing: "transfer-coding")
        case .tooManyBytesInFlight(let limit):
            Problem(
                .overloaded,
                "Bodies and responses may take \(limit) bytes at once, and this body would go beyond; try again later.",
                [("limit", .integer(limit))]
            )
            .retrying(afterSeconds: 1)
        case .tooManyResponseBytes(let limit):
            Problem(
                .overloaded,
                "Responses of more than \(limit) bytes would wait on this connection; read those that wait first.",
                [("limit", .integer(limit))]
            )
            .retrying(afterSeconds: 1)
        case .outOfMemory(let byteCount):
            Problem(
                .overloaded,
                "There is not enough memory for this body now; try again later.",
                [("bytes", .integer(byteCount))]
            )
            .retrying(afterSeconds: 1)
        case .tooManyConnections(let limit):
            Problem(
                .overloaded,
                "\(limit) connections are open already; try again later.",
                [("limit", .integer(limit))]
            )
            .retrying(afterSeconds: 1)
        case .unsupportedVersion: Problem(.versionNotSupported, "Only HTTP/1.0, HTTP/1.1 and HTTP/2 are supported.")
        }
    }
}
