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

    /// The next piece; what it holds of `octets` is taken off them.
    mutating func next(_ octets: inout UnsafeRawBufferPointer) -> Piece {
        if octets.isEmpty { return .needsMore }
        switch state {
        case .preface(let seen):
            let count = min(HTTP2Preface.octets.count - seen, octets.count)
            guard octets.prefix(count).elementsEqual(HTTP2Preface.octets[seen..<seen + count]) else {
                return .prefaceWrong
            }
            octets = UnsafeRawBufferPointer(rebasing: octets[count...])
            state = seen + count == HTTP2Preface.octets.count ? .header : .preface(seen: seen + count)
            if case .header = state { return .prefaceComplete }
            return .needsMore
        case .header:
            if rawHeader.count == HTTP2FrameHeader.octets { rawHeader.removeAll(keepingCapacity: true) }
            let count = min(HTTP2FrameHeader.octets - rawHeader.count, octets.count)
            rawHeader.append(contentsOf: octets[..<count])
            octets = UnsafeRawBufferPointer(rebasing: octets[count...])
            isInsideFrame = true
            guard rawHeader.count == HTTP2FrameHeader.octets else { return .needsMore }
            let header = HTTP2FrameHeader(rawHeader)
            isInsideFrame = header.length > 0 && header.kind != .data
            if header.length > 0 { state = header.isHeld ? .held(header, []) : .payload(left: header.length) }
            return .header(header)
        case .payload(let left):
            let count = min(left, octets.count)
            let payload = UnsafeRawBufferPointer(rebasing: octets[..<count])
            octets = UnsafeRawBufferPointer(rebasing: octets[count...])
            state = count == left ? .header : .payload(left: left - count)
            if count == left { isInsideFrame = false }
            return .payload(payload)
        case .held(let header, var payload):
            let count = min(header.length - payload.count, octets.count)
            payload.append(contentsOf: octets[..<count])
            octets = UnsafeRawBufferPointer(rebasing: octets[count...])
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
