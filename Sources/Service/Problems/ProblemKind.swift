// SPDX-License-Identifier: Apache-2.0

/// Every kind of failure that a client can see: a stable slug, one status, one title (RFC 9457).
package enum ProblemKind: String, CaseIterable, Sendable {
    case badRequest = "bad-request"
    case badParameter = "bad-parameter"
    case unknownParameter = "unknown-parameter"
    case malformedJSON = "malformed-json"
    case malformedMultipart = "malformed-multipart"
    case unauthorized
    case notFound = "not-found"
    case methodNotAllowed = "method-not-allowed"
    case notAcceptable = "not-acceptable"
    case bodyTimeout = "body-timeout"
    case bodyTooLarge = "body-too-large"
    case tooManyItems = "too-many-items"
    case tooManyPixels = "too-many-pixels"
    case targetTooLong = "target-too-long"
    case unsupportedMedia = "unsupported-media"
    case expectationFailed = "expectation-failed"
    case imageUndecodable = "image-undecodable"
    case tensorShape = "tensor-shape"
    case tensorNonfinite = "tensor-nonfinite"
    case queueFull = "queue-full"
    case rateLimited = "rate-limited"
    case headersTooLarge = "headers-too-large"
    case internalError = "internal"
    case featureUnavailable = "feature-unavailable"
    case starting
    case draining
    case workerUnhealthy = "worker-unhealthy"
    case overloaded
    case deadlineExceeded = "deadline-exceeded"
    case versionNotSupported = "version-not-supported"

    /// The HTTP status that always goes with this kind.
    package var status: Int {
        switch self {
        case .badRequest, .badParameter, .unknownParameter, .malformedJSON, .malformedMultipart: 400
        case .unauthorized: 401
        case .notFound: 404
        case .methodNotAllowed: 405
        case .notAcceptable: 406
        case .bodyTimeout: 408
        case .bodyTooLarge, .tooManyItems, .tooManyPixels: 413
        case .targetTooLong: 414
        case .unsupportedMedia: 415
        case .expectationFailed: 417
        case .imageUndecodable, .tensorShape, .tensorNonfinite: 422
        case .queueFull, .rateLimited: 429
        case .headersTooLarge: 431
        case .internalError: 500
        case .featureUnavailable: 501
        case .starting, .draining, .workerUnhealthy, .overloaded: 503
        case .deadlineExceeded: 504
        case .versionNotSupported: 505
        }
    }

    /// One sentence, the same for every occurrence.
    package var title: String {
        switch self {
        case .badRequest: "The request is not valid HTTP."
        case .badParameter: "A parameter has a value that cannot be used."
        case .unknownParameter: "The request has an unknown parameter."
        case .malformedJSON: "The body is not the JSON that this path expects."
        case .malformedMultipart: "The body is not valid multipart/form-data."
        case .unauthorized: "A valid API key is needed."
        case .notFound: "There is nothing at this path."
        case .methodNotAllowed: "The method is not allowed for this path."
        case .notAcceptable: "The response is not available in the requested form."
        case .bodyTimeout: "The request did not arrive in time."
        case .bodyTooLarge: "The body is too large."
        case .tooManyItems: "The request has too many items."
        case .tooManyPixels: "The image is too large."
        case .targetTooLong: "The request target is too long."
        case .unsupportedMedia: "The body is of a kind that is not supported."
        case .expectationFailed: "The expectation cannot be met."
        case .imageUndecodable: "The image cannot be decoded."
        case .tensorShape: "The tensor does not fit the model."
        case .tensorNonfinite: "The tensor contains NaN or infinite values."
        case .queueFull: "The queue is full; try again later."
        case .rateLimited: "The API key has sent too many requests."
        case .headersTooLarge: "The headers of the request are too large."
        case .internalError: "The service failed."
        case .featureUnavailable: "The model or this build does not support the request."
        case .starting: "The service is starting."
        case .draining: "The service is shutting down."
        case .workerUnhealthy: "The inference worker does not respond."
        case .overloaded: "The service is at its limit; try again later."
        case .deadlineExceeded: "The request took longer than its time limit."
        case .versionNotSupported: "That version of HTTP is not supported."
        }
    }

    /// The problem's `type`.
    package var uri: String { "urn:uae:problem:\(rawValue)" }
}
