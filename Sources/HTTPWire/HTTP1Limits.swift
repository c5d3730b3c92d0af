// SPDX-License-Identifier: Apache-2.0

/// Bounds of an HTTP/1.1 message's framing.
package struct HTTP1Limits: Sendable {
    package var emptyLines = 8
    /// Bytes of the request line, and of any one field line.
    package var line = 16 << 10
    /// Bytes of the whole head, and of a trailer section.
    package var head = 64 << 10
    package var fields = 128
    /// Bytes of a chunk's size line, and of all extensions of one message.
    package var chunkLine = 1 << 10
    package var chunkExtensions = 16 << 10

    package init() {}
}
