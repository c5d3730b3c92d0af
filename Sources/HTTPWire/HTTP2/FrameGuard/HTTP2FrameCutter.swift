// SPDX-License-Identifier: Apache-2.0

/// Splits a client's bytes into preface, frame headers and payloads, however they were split in transit.
struct HTTP2FrameCutter {
    enum Piece {
        /// All bytes are used up.
        case needsMore
        case prefaceComplete
        case prefaceWrong
        /// A header is complete; its payload has not begun.
        case header(HTTP2FrameHeader)
        /// A part of a payload that is forwarded as it arrives.
        case payload(UnsafeRawBufferPointer)
        /// The whole payload, not empty, of a frame that is checked by its content.
        case held(HTTP2FrameHeader, [UInt8])
    }

    private enum State {
        case preface(seen: Int)
        case header
        case payload(left: Int)
        case held(HTTP2FrameHeader, [UInt8])
    }

    private var state = State.preface(seen: 0)
    private(set) var rawHeader: [UInt8] = []

    /// Whether a frame has begun and is not complete; DATA does not count, since bodies have a time of their own.
    private(set) var isInsideFrame = false

    /// The next piece; what it holds of `bytes` is taken off them.
    mutating func next(_ bytes: inout UnsafeRawBufferPointer) -> Piece {
        if bytes.isEmpty { return .needsMore }
        switch state {
        case .preface(let seen):
            let count = min(HTTP2Preface.bytes.count - seen, bytes.count)
            guard bytes.prefix(count).elementsEqual(HTTP2Preface.bytes[seen..<seen + count]) else {
                return .prefaceWrong
            }
            bytes = UnsafeRawBufferPointer(rebasing: bytes[count...])
            state = seen + count == HTTP2Preface.bytes.count ? .header : .preface(seen: seen + count)
            if case .header = state { return .prefaceComplete }
            return .needsMore
        case .header:
            if rawHeader.count == HTTP2FrameHeader.byteCount { rawHeader.removeAll(keepingCapacity: true) }
            let count = min(HTTP2FrameHeader.byteCount - rawHeader.count, bytes.count)
            rawHeader.append(contentsOf: bytes[..<count])
            bytes = UnsafeRawBufferPointer(rebasing: bytes[count...])
            isInsideFrame = true
            guard rawHeader.count == HTTP2FrameHeader.byteCount else { return .needsMore }
            let header = HTTP2FrameHeader(rawHeader)
            isInsideFrame = header.length > 0 && header.kind != .data
            if header.length > 0 { state = header.isHeld ? .held(header, []) : .payload(left: header.length) }
            return .header(header)
        case .payload(let left):
            let count = min(left, bytes.count)
            let payload = UnsafeRawBufferPointer(rebasing: bytes[..<count])
            bytes = UnsafeRawBufferPointer(rebasing: bytes[count...])
            state = count == left ? .header : .payload(left: left - count)
            if count == left { isInsideFrame = false }
            return .payload(payload)
        case .held(let header, var payload):
            let count = min(header.length - payload.count, bytes.count)
            payload.append(contentsOf: bytes[..<count])
            bytes = UnsafeRawBufferPointer(rebasing: bytes[count...])
            guard payload.count == header.length else {
                state = .held(header, payload)
                return .needsMore
            }
            state = .header
            isInsideFrame = false
            return .held(header, payload)
        }
    }
}
