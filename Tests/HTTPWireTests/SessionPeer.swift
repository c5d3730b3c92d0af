// SPDX-License-Identifier: Apache-2.0

import HTTP2Peer
import HTTPWire

/// A session and the client at its other end, on a clock that the test moves.
final class SessionPeer {
    let session: HTTP2Session
    var now: ContinuousClock.Instant
    private var frames = PeerFrames()
    private let inflater = PeerInflater()

    /// - Throws: `HTTP2Failure`.
    init(
        _ limits: HTTP2Limits = HTTP2Limits(),
        upgrade: (request: HTTPRequestHead, settings: [UInt8])? = nil
    ) throws(HTTP2Failure) {
        now = .now
        session = try HTTP2Session(limits: limits, now: now, upgrade: upgrade)
    }

    /// A connection whose settings both sides know already.
    ///
    /// - Throws: `HTTP2Failure`.
    static func open(
        _ limits: HTTP2Limits = HTTP2Limits(),
        settings: [(UInt16, UInt32)] = []
    ) throws(HTTP2Failure) -> SessionPeer {
        let peer = try SessionPeer(limits)
        peer.send(PeerFrame.preface)
        peer.send(.settings(settings), .settingsAcknowledgement)
        _ = peer.received()
        return peer
    }

    func send(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { session.receive($0, now: now) }
    }

    func send(_ frames: PeerFrame...) { send(frames.flatMap(\.bytes)) }

    /// Everything that the server has to say now.
    func received() -> [PeerFrame] {
        while true {
            let bytes = session.output(atMost: 1 << 20, now: now)
            if bytes.isEmpty { break }
            frames.append(bytes)
        }
        var all: [PeerFrame] = []
        while let frame = frames.next() { all.append(frame) }
        return all
    }

    func events() -> [HTTP2Session.Event] { session.takeEvents() }

    /// The heads among the events.
    func heads() -> [HTTP2Head] { events().compactMap { if case .head(_, let head) = $0 { head } else { nil } } }

    /// The server's last word; nil: it has not said that the connection ends.
    func goAwayCode() -> UInt32? { received().last { $0.kind == 7 }?.number }

    func response(_ stream: Int32, _ body: [UInt8] = Array("ok".utf8)) {
        session.respond(Response(status: 200, body: body), on: stream, date: "today", now: now)
    }

    /// The responses below 1000 bytes a second for a second, once `duration` has passed.
    func slow(after duration: Duration) -> [Int32] {
        now += duration
        return session.slowResponses(now, period: .seconds(1), rate: 1000)
    }

    func fields(_ frame: PeerFrame) throws -> [String: String] { try inflater.fields(frame.payload) }
}

extension HTTP2Session.Event {
    /// For comparisons that only ask what happened.
    var name: String {
        switch self {
        case .head(let id, _): "head \(id)"
        case .refused(let id, let refusal, _): "refused \(id) \(refusal.status)"
        case .body(let id, let bytes): "body \(id) \(bytes.count)"
        case .end(let id): "end \(id)"
        case .respondedEarly(let id): "responded early \(id)"
        case .closed(let id, let closing): "closed \(id) \(closing)"
        }
    }
}
