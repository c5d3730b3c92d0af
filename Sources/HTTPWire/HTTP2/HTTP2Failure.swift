// SPDX-License-Identifier: Apache-2.0

/// Error codes of streams and connections (RFC 9113 7), as far as they are said here.
package enum HTTP2Failure: UInt32, Error, Sendable {
    case noError = 0x0
    case protocolError = 0x1
    case internalError = 0x2
    case flowControlError = 0x3
    case settingsTimeout = 0x4
    case streamClosed = 0x5
    case frameSizeError = 0x6
    case refusedStream = 0x7
    case cancel = 0x8
    case enhanceYourCalm = 0xB
}
