// SPDX-License-Identifier: Apache-2.0

/// What a head's headers say about the message's length and the connection.
struct HTTP1Framing {
    private(set) var contentLength: Int?
    private(set) var isChunked = false
    private(set) var saysClose = false
    private(set) var saysKeepAlive = false
    private(set) var expectsContinue = false
    private var hostCount = 0
    private var hostIsValid = true
    private var saysUpgrade = false
    private var saysHTTP2Settings = false
    private var offersH2C = false
    private var settings: [[UInt8]] = []
    /// The values of all `Transfer-Encoding` fields, joined as one list; nil: there are none.
    private var transferEncoding: [UInt8]?
    private var expectationCount = 0
    private var unknownExpectation = false

    mutating func read(_ field: HTTP1FieldLine) throws(HTTPRefusal) {
        switch field.name.count {
        case 4 where HTTPByte.matches(field.name, lowerCase: "host"):
            hostCount += 1
            hostIsValid = hostIsValid && RequestTarget.isHost(field.valueText)
        case 6 where HTTPByte.matches(field.name, lowerCase: "expect"):
            expectationCount += 1
            if !HTTPByte.matches(field.value, lowerCase: "100-continue") { unknownExpectation = true }
        case 7 where HTTPByte.matches(field.name, lowerCase: "upgrade"):
            offersH2C =
                offersH2C
                || HTTPByte.elements(field.value).contains { HTTPByte.matches($0, lowerCase: "h2c") }
        case 10 where HTTPByte.matches(field.name, lowerCase: "connection"): readConnection(field.value)
        case 14 where HTTPByte.matches(field.name, lowerCase: "content-length"):
            guard contentLength == nil else { throw .duplicateContentLength }
            // RFC 9112 6.3: 1*DIGIT, `Int` also accepts a sign.
            guard !field.value.isEmpty, field.value.allSatisfy(HTTPByte.isDigit), let length = Int(field.valueText)
            else { throw .malformedContentLength }
            contentLength = length
        case 14 where HTTPByte.matches(field.name, lowerCase: "http2-settings"): settings.append(Array(field.value))
        case 17 where HTTPByte.matches(field.name, lowerCase: "transfer-encoding"):
            transferEncoding = (transferEncoding.map { $0 + [HTTPByte.comma] } ?? []) + field.value
        default: break
        }
    }

    private mutating func readConnection(_ value: UnsafeRawBufferPointer) {
        for element in HTTPByte.elements(value) {
            if HTTPByte.matches(element, lowerCase: "close") { saysClose = true }
            if HTTPByte.matches(element, lowerCase: "keep-alive") { saysKeepAlive = true }
            if HTTPByte.matches(element, lowerCase: "upgrade") { saysUpgrade = true }
            if HTTPByte.matches(element, lowerCase: "http2-settings") { saysHTTP2Settings = true }
        }
    }

    /// Checks the complete headers together.
    mutating func check(_ version: HTTPVersion) throws(HTTPRefusal) {
        if let transferEncoding {
            if version == .http10 { throw .transferEncodingInHTTP10 }
            if contentLength != nil { throw .contentLengthWithTransferEncoding }
            if let refusal = transferEncoding.withUnsafeBytes(Self.refusal(ofTransferEncoding:)) { throw refusal }
            isChunked = true
        }
        if hostCount > 1 { throw .duplicateHost }
        if hostCount == 0, version != .http10 { throw .missingHost }
        if !hostIsValid { throw .invalidHost }
        if version != .http10, expectationCount > 0 {
            guard expectationCount == 1, !unknownExpectation else { throw .expectationFailed }
            expectsContinue = true
        }
    }

    /// The SETTINGS of a well-formed offer to upgrade, which needs exactly one `HTTP2-Settings` and both options in
    /// `Connection` (RFC 7540 3.2.1); nil: there is none, and an offer may be ignored.
    var http2Settings: [UInt8]? {
        guard offersH2C, saysUpgrade, saysHTTP2Settings, settings.count == 1 else { return nil }
        return decodeBase64URL(settings[0]).flatMap { $0.count % 6 == 0 ? $0 : nil }
    }

    /// Only `chunked`, once, is accepted.
    ///
    /// A list that does not end with it gives no length (400); one that ends with it and has another coding is not
    /// implemented (501).
    private static func refusal(ofTransferEncoding list: UnsafeRawBufferPointer) -> HTTPRefusal? {
        if HTTPByte.matches(list, lowerCase: "chunked") { return nil }
        let codings = HTTPByte.elements(list)
        guard let last = codings.last, HTTPByte.matches(last, lowerCase: "chunked") else {
            return .malformedTransferEncoding
        }
        for coding in codings.dropLast() {
            let name = coding.prefix { $0 != UInt8(ascii: ";") }
            guard !name.isEmpty, name.allSatisfy(HTTPByte.isToken), !HTTPByte.matches(name, lowerCase: "chunked")
            else { return .malformedTransferEncoding }
        }
        return .unknownTransferCoding
    }
}
