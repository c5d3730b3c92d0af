// SPDX-License-Identifier: Apache-2.0

/// How the latest streams of a connection ended.
///
/// What a client may still send on a stream depends on who closed it (RFC 9113 5.1).
struct HTTP2ClosedStreams {
    enum Memory {
        /// By the client's RST_STREAM, or by both sides' END_STREAM: nothing can follow.
        case byClient
        /// By our RST_STREAM: frames may have been under way, and are dropped.
        case byServer
        /// Passed over: RFC 9113 5.1.1 closes all lower streams when one begins.
        case neverOpened
    }

    private static let capacity = 512

    private var endings: [Int32: Memory] = [:]
    private var order: [Int32] = []
    private var next = 0
    /// Streams up to this one have been forgotten.
    private var forgotten: Int32 = 0

    mutating func insert(_ id: Int32, _ ending: Memory) {
        guard endings.updateValue(ending, forKey: id) == nil else { return }
        if order.count < Self.capacity { return order.append(id) }
        endings[order[next]] = nil
        forgotten = max(forgotten, order[next])
        order[next] = id
        next = (next + 1) % Self.capacity
    }

    /// - Parameter id: of a stream that is not open, and not higher than any that was.
    subscript(id: Int32) -> Memory {
        endings[id] ?? (id <= forgotten ? .byServer : .neverOpened)
    }
}
