// SPDX-License-Identifier: Apache-2.0

/// Why the protocol layer refuses a request; one case per rule.
package enum HTTPRefusal: Error, Equatable, Sendable {
    /// RFC 9112 2.2: lines end with CRLF; a bare LF could be read differently by a proxy in front.
    case bareLineFeed
    case bareCarriageReturn
    case tooManyEmptyLines(limit: Int)
    case malformedRequestLine
    case malformedTarget
    case targetTooLong(limit: Int)
    case malformedVersion
    case unsupportedVersion
    case unknownMethod
    case connectMethod
    case malformedField
    case invalidFieldValue
    /// RFC 9112 5.2.
    case lineFolding
    case headTooLarge(limit: Int)
    case tooManyFields(limit: Int)
    case missingHost
    case duplicateHost
    case invalidHost
    case malformedContentLength
    case duplicateContentLength
    /// RFC 9112 6.1: the usual request smuggling attack.
    case contentLengthWithTransferEncoding
    case malformedTransferEncoding
    case unknownTransferCoding
    case transferEncodingInHTTP10
    case expectationFailed
    case malformedChunk
    case chunkLineTooLong(limit: Int)
    case bodyTooLarge(limit: Int, actual: Int?)
    case headTimeout
    case bodyTimeout
    case tooManyBytesInFlight(limit: Int)
    /// HTTP/2: the client does not take the responses of its other requests.
    case tooManyResponseBytes(limit: Int)
    /// Not enough memory for the body.
    case outOfMemory(byteCount: Int)
    case tooManyConnections(limit: Int)

    /// Whether only the request line is at fault, so that the headers after it can be read.
    package var isOfRequestLine: Bool {
        switch self {
        case .targetTooLong, .unknownMethod, .connectMethod, .unsupportedVersion: true
        default: false
        }
    }

    /// The response's status.
    package var status: Int {
        switch self {
        case .bareLineFeed, .bareCarriageReturn, .tooManyEmptyLines, .malformedRequestLine, .malformedTarget,
            .malformedVersion, .malformedField, .invalidFieldValue, .lineFolding, .missingHost, .duplicateHost,
            .invalidHost, .malformedContentLength, .duplicateContentLength, .contentLengthWithTransferEncoding,
            .malformedTransferEncoding, .transferEncodingInHTTP10, .malformedChunk, .chunkLineTooLong:
            400
        case .headTimeout, .bodyTimeout: 408
        case .bodyTooLarge: 413
        case .targetTooLong: 414
        case .expectationFailed: 417
        case .headTooLarge, .tooManyFields: 431
        case .unknownMethod, .connectMethod, .unknownTransferCoding: 501
        case .tooManyBytesInFlight, .tooManyResponseBytes, .outOfMemory, .tooManyConnections: 503
        case .unsupportedVersion: 505
        }
    }
}
