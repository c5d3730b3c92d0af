// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Bytes to be sent to a socket.
///
/// Large pieces are sent from where they are, small ones are joined.
struct OutputBuffer {
    private var pieces: [[UInt8]] = []
    /// Bytes of the first piece that are sent.
    private var offset = 0
    /// Bytes that are still to be sent.
    private(set) var count = 0
    /// Bytes in memory: a piece is kept until its last byte is sent.
    private(set) var heldBytes = 0

    private static let joinBelow = 16 << 10

    var isEmpty: Bool { pieces.isEmpty }

    mutating func append(_ bytes: [UInt8]) {
        if bytes.isEmpty { return }
        count += bytes.count
        heldBytes += bytes.count
        if let last = pieces.last, last.count + bytes.count <= Self.joinBelow {
            pieces[pieces.count - 1].append(contentsOf: bytes)
        } else {
            pieces.append(bytes)
        }
    }

    enum Outcome {
        case sentAll
        /// The socket accepts no more now, after `byteCount` bytes.
        case blocked(byteCount: Int)
        case failed
    }

    mutating func send(to descriptor: Int32) -> Outcome {
        var byteCount = 0
        while let piece = pieces.first {
            let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT) | (pieces.count > 1 ? Int32(MSG_MORE) : 0)
            let sent = piece.withUnsafeBytes { raw in
                Glibc.send(descriptor, raw.baseAddress.map { $0 + offset }, raw.count - offset, flags)
            }
            if sent < 0 {
                if errno == EINTR { continue }
                return errno == EAGAIN ? .blocked(byteCount: byteCount) : .failed
            }
            byteCount += sent
            offset += sent
            count -= sent
            if offset == piece.count {
                pieces.removeFirst()
                heldBytes -= piece.count
                offset = 0
            }
        }
        return .sentAll
    }
}
