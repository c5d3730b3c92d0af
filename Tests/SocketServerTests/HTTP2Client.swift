// SPDX-License-Identifier: Apache-2.0

import HTTP2Peer

/// Speaks HTTP/2 frame by frame over a socket: sends what the test says, and sorts what comes by stream.
///
/// Blocks; belongs to one thread.
final class HTTP2Client {
    struct Response {
        var status = 0
        var fields: [String: String] = [:]
        /// Statuses of informational responses before.
        var informational: [Int] = []
        var body: [UInt8] = []
        var isComplete = false
        /// The code of the server's RST_STREAM.
        var reset: UInt32?

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// SETTINGS of a client that takes everything.
    static let openWindows: [(UInt16, UInt32)] = [(4, UInt32(Int32.max))]

    private let raw: RawClient
    private var frames = PeerFrames()
    private let inflater = PeerInflater()
    private(set) var responses: [UInt32: Response] = [:]
    /// The server's GOAWAYs, the last word last.
    private(set) var goAways: [PeerFrame] = []
    /// What may still be sent, by stream; 0: the connection.
    private var windows: [UInt32: Int] = [0: 65535]
    private var initialWindow = 65535
    private var hasEnded = false
    /// Whether the server's SETTINGS are here, and acknowledged.
    private(set) var hasSeenSettings = false

    init(_ raw: RawClient) {
        self.raw = raw
    }

    // MARK: Sending

    /// The preface, and the connection's window as wide as it gets.
    func open(settings: [(UInt16, UInt32)] = openWindows) {
        raw.send(PeerFrame.preface)
        send(.settings(settings), .windowUpdate(0, UInt32(Int32.max) - 65535))
    }

    func send(_ frames: PeerFrame...) { raw.send(frames.flatMap(\.bytes)) }

    func send(_ bytes: [UInt8]) { raw.send(bytes) }

    /// A whole request.
    func request(
        _ stream: UInt32,
        _ method: String,
        _ path: String,
        _ fields: (String, String)...,
        body: [UInt8] = []
    ) {
        send(.headers(stream, PeerFrame.request(method, path, fields), ends: body.isEmpty))
        if !body.isEmpty { send(.data(stream, body)) }
    }

    /// A body of any length, within the windows that the server opens, until the stream is reset.
    ///
    /// - Parameters:
    ///   - stream: which one.
    ///   - body: the bytes.
    ///   - ends: whether they are the last ones.
    ///   - waiting: called before the client waits for a window.
    /// - Throws: `RawClient.Failure` when the window stays shut.
    func upload(_ stream: UInt32, _ body: [UInt8], ends: Bool = true, waiting: () -> Void = {}) throws {
        var rest = body[...]
        while !rest.isEmpty, responses[stream]?.reset == nil {
            let window = min(windows[0] ?? 0, windows[stream] ?? initialWindow)
            let count = min(16384, rest.count, window)
            guard count > 0 else {
                waiting()
                try readMore()
                continue
            }
            windows[0, default: 0] -= count
            windows[stream, default: initialWindow] -= count
            send(.data(stream, Array(rest.prefix(count)), ends: ends && count == rest.count))
            rest = rest.dropFirst(count)
        }
    }

    func finishSending() { raw.finishSending() }

    func resetConnection() { raw.reset() }

    // MARK: Receiving

    /// Reads until the stream's response is complete, or reset.
    func response(_ stream: UInt32) throws -> Response {
        while true {
            if let response = responses[stream], response.isComplete || response.reset != nil { return response }
            try readMore()
        }
    }

    /// Reads until the server resets the stream.
    func resetCode(_ stream: UInt32) throws -> UInt32 {
        while true {
            if let code = responses[stream]?.reset { return code }
            try readMore()
        }
    }

    /// Reads until `condition` holds.
    func read(until condition: (HTTP2Client) -> Bool) throws {
        while !condition(self) { try readMore() }
    }

    /// Reads to the end.
    ///
    /// - Returns: the code of the last GOAWAY; nil: there was none.
    func end() throws -> UInt32? {
        while !hasEnded { try readSome() }
        return goAways.last?.number
    }

    /// HTTP/1.1's response before the first frame.
    func text() throws -> String {
        while true {
            if let text = frames.takeText() { return text }
            guard let bytes = try raw.bytes() else { throw RawClient.Failure(description: "ended") }
            frames.append(bytes)
        }
    }

    private func readMore() throws {
        if hasEnded { throw RawClient.Failure(description: "ended: \(responses), \(goAways)") }
        try readSome()
    }

    private func readSome() throws {
        if let bytes = try raw.bytes() { frames.append(bytes) } else { hasEnded = true }
        while let frame = frames.next() { try take(frame) }
    }

    private func take(_ frame: PeerFrame) throws {
        switch frame.kind {
        case 0: responses[frame.stream, default: Response()].body += frame.payload
        case 1:
            let fields = try inflater.fields(frame.payload)
            let status = fields[":status"].flatMap { Int($0) } ?? 0
            if status < 200 {
                responses[frame.stream, default: Response()].informational.append(status)
            } else {
                responses[frame.stream, default: Response()].status = status
                responses[frame.stream]?.fields = fields
            }
        case 3: responses[frame.stream, default: Response()].reset = frame.number
        case 4 where frame.flags & 1 == 0:
            for start in stride(from: 0, to: frame.payload.count, by: 6) where frame.payload[start + 1] == 4 {
                let former = initialWindow
                initialWindow = frame.payload[start + 2..<start + 6].reduce(0) { $0 << 8 | Int($1) }
                for stream in windows.keys where stream != 0 { windows[stream]? += initialWindow - former }
            }
            hasSeenSettings = true
            send(.settingsAcknowledgement)
        case 6 where frame.flags & 1 == 0: send(PeerFrame(6, flags: 1, frame.payload))
        case 7: goAways.append(frame)
        case 8: windows[frame.stream, default: initialWindow] += Int(frame.number)
        default: break
        }
        if frame.endsStream { responses[frame.stream]?.isComplete = true }
    }
}
