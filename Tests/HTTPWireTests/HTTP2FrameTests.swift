// SPDX-License-Identifier: Apache-2.0

import HTTP2Peer
import HTTPWire
import Testing

/// Frames that end the connection: their form, their order, the state of their stream (RFC 9113 4 to 6).
@Suite struct HTTP2FrameTests {
    struct Case: CustomTestStringConvertible {
        let rule: String
        let code: UInt32
        let frames: [PeerFrame]

        init(_ rule: String, _ code: UInt32, _ frames: PeerFrame...) {
            self.rule = rule
            self.code = code
            self.frames = frames
        }

        var testDescription: String { rule }
    }

    private static let post = PeerFrame.headers(1, PeerFrame.request("POST", "/"), ends: false)
    private static let get = PeerFrame.headers(1, PeerFrame.request("GET", "/"))
    private static let block = PeerFrame.block(PeerFrame.request("GET", "/"))
    private static let unfinished = PeerFrame(1, flags: 1, stream: 1, block)
    private static let large = [UInt8](repeating: 0, count: 16385)

    private static let forms = [
        Case("DATA larger than allowed", 6, post, .data(1, large)),
        Case("HEADERS larger than allowed", 6, PeerFrame(1, flags: 5, stream: 1, large)),
        Case("unknown frame larger than allowed", 6, PeerFrame(0x20, large)),
        Case("DATA on stream 0", 1, .data(0, [1])),
        Case("HEADERS on stream 0", 1, .headers(0, [])),
        Case("PRIORITY on stream 0", 1, PeerFrame(2, [0, 0, 0, 0, 0])),
        Case("RST_STREAM on stream 0", 1, .reset(0)),
        Case("CONTINUATION on stream 0", 1, unfinished, .continuation(0, [], ends: true)),
        Case("SETTINGS on a stream", 1, PeerFrame(4, stream: 1)),
        Case("PING on a stream", 1, PeerFrame(6, stream: 1, [UInt8](repeating: 0, count: 8))),
        Case("GOAWAY on a stream", 1, PeerFrame(7, stream: 1, [UInt8](repeating: 0, count: 8))),
        Case("PRIORITY of four bytes", 6, PeerFrame(2, stream: 1, [0, 0, 0, 0])),
        Case("RST_STREAM of three bytes", 6, post, PeerFrame(3, stream: 1, [0, 0, 0])),
        Case("SETTINGS of five bytes", 6, PeerFrame(4, [0, 0, 0, 0, 0])),
        Case("SETTINGS acknowledgement with content", 6, PeerFrame(4, flags: 1, [0, 3, 0, 0, 0, 1])),
        Case("PING of seven bytes", 6, PeerFrame(6, [UInt8](repeating: 0, count: 7))),
        Case("GOAWAY of seven bytes", 6, PeerFrame(7, [UInt8](repeating: 0, count: 7))),
        Case("WINDOW_UPDATE of five bytes", 6, PeerFrame(8, [0, 0, 0, 0, 1])),
        Case("HEADERS too short for their priority", 6, PeerFrame(1, flags: 0x25, stream: 1, [0])),
        Case("DATA with more padding than content", 1, post, PeerFrame(0, flags: 9, stream: 1, [2, 0])),
        Case("HEADERS with more padding than content", 1, PeerFrame(1, flags: 0xD, stream: 1, [255] + block)),
        Case("PUSH_PROMISE", 1, post, PeerFrame(5, flags: 4, stream: 1, [0, 0, 0, 2] + block)),
        Case("WINDOW_UPDATE by nothing", 1, .windowUpdate(0, 0)),
        Case("WINDOW_UPDATE of a stream by nothing", 1, post, .windowUpdate(1, 0)),
        Case("connection window beyond its maximum", 3, .windowUpdate(0, .max >> 1)),
        Case("ENABLE_PUSH that is no flag", 1, .settings([(2, 2)])),
        Case("INITIAL_WINDOW_SIZE beyond its maximum", 3, .settings([(4, 1 << 31)])),
        Case("MAX_FRAME_SIZE below its minimum", 1, .settings([(5, 16383)])),
        Case("MAX_FRAME_SIZE beyond its maximum", 1, .settings([(5, 1 << 24)])),
        Case("window moved beyond its maximum", 3, post, .windowUpdate(1, .max >> 1 - 65535), .settings([(4, 65536)])),
        Case("SETTINGS acknowledged that nobody sent", 1, .settingsAcknowledgement),
        Case("more SETTINGS than anyone needs", 11, .settings([(UInt16, UInt32)](repeating: (0xFF, 1), count: 33))),
        Case("stream that depends on itself", 1, PeerFrame(1, flags: 0x25, stream: 1, [0, 0, 0, 1, 0] + block)),
        Case("PRIORITY that depends on itself", 1, PeerFrame(2, stream: 3, [0, 0, 0, 3, 0])),
    ]

    private static let orders = [
        Case("DATA inside a header block", 1, unfinished, .data(1, [1])),
        Case("HEADERS inside a header block", 1, unfinished, .headers(3, [])),
        Case("PING inside a header block", 1, unfinished, .ping()),
        Case("unknown frame inside a header block", 1, unfinished, PeerFrame(0x20)),
        Case("CONTINUATION of another stream", 1, unfinished, .continuation(3, [], ends: true)),
        Case("CONTINUATION of nothing", 1, .continuation(1, block, ends: true)),
        Case("CONTINUATION after the block's end", 1, post, .continuation(1, [], ends: true)),
        Case("index 0", 9, PeerFrame(1, flags: 5, stream: 1, [0x80])),
        Case("index beyond the tables", 9, PeerFrame(1, flags: 5, stream: 1, [0xFF, 0xFF, 0xFF, 0x0F])),
        Case("table larger than allowed", 9, PeerFrame(1, flags: 5, stream: 1, [0x3F, 0xE2, 0x1F] + block)),
        Case("table size after a field", 9, PeerFrame(1, flags: 5, stream: 1, block + [0x20])),
        Case("header block that ends inside a field", 9, PeerFrame(1, flags: 5, stream: 1, [0, 5, 0x61])),
    ]

    private static let states = [
        Case("DATA on an idle stream", 1, .data(1, [1])),
        Case("RST_STREAM on an idle stream", 1, .reset(1)),
        Case("WINDOW_UPDATE on an idle stream", 1, .windowUpdate(1, 1)),
        Case("HEADERS on a stream of the server's", 1, .headers(2, PeerFrame.request("GET", "/"))),
        Case("DATA on a stream of the server's", 1, get, .data(2, [1])),
        Case("stream lower than the last", 1, .headers(5, PeerFrame.request("GET", "/")), post),
        Case("DATA on a stream that was passed over", 5, .headers(5, PeerFrame.request("GET", "/")), .data(3, [1])),
        Case("DATA after the end", 5, get, .data(1, [1])),
        Case("HEADERS after the end", 5, get, get),
        Case("DATA after the client's reset", 5, post, .reset(1), .data(1, [1])),
        Case("HEADERS after the client's reset", 5, post, .reset(1), post),
    ]

    @Test(arguments: forms + orders + states) func endsTheConnection(_ violation: Case) throws {
        let peer = try SessionPeer.open()
        for frame in violation.frames { peer.send(frame) }
        #expect(peer.goAwayCode() == violation.code)
        #expect(peer.session.isFinished)
        // Nothing is read any more.
        peer.send(.headers(99, PeerFrame.request("GET", "/")))
        #expect(!peer.events().contains { $0.name == "head 99" })
        #expect(peer.received() == [])
    }

    @Test(arguments: [
        Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r".utf8),
        PeerFrame.preface + PeerFrame.ping().bytes,
        PeerFrame.preface + PeerFrame.settingsAcknowledgement.bytes,
    ])
    func thePrefaceIsExact(bytes: [UInt8]) throws {
        let peer = try SessionPeer()
        peer.send(bytes)
        #expect(peer.goAwayCode() == 1)
    }

    @Test(arguments: [
        Case("a window", 1, .windowUpdate(0, 0)),
        Case("padding", 1, post, PeerFrame(0, flags: 9, stream: 1, [2, 0])),
        Case("compression", 9, PeerFrame(1, flags: 5, stream: 1, [0x80])),
    ])
    func theFirstErrorIsTheOneThatIsSaid(_ violation: Case) throws {
        let peer = try SessionPeer.open()
        // The library finds it and says so later; the short PING is found at once.
        peer.send((violation.frames + [PeerFrame(6, [0])]).flatMap(\.bytes))
        #expect(peer.goAwayCode() == violation.code)
        #expect(peer.session.isFinished)
    }

    @Test func dataAfterACompleteExchangeIsAnError() throws {
        let peer = try SessionPeer.open()
        peer.send(Self.get)
        peer.response(1)
        _ = peer.received()
        peer.send(.data(1, [1]))
        #expect(peer.goAwayCode() == 5)
    }

    @Test func aStreamsWindowBeyondItsMaximumIsTheStreamsError() throws {
        let peer = try SessionPeer.open()
        peer.send(Self.post, .windowUpdate(1, .max >> 1))
        #expect(peer.received() == [.reset(1, 3)])
    }

    @Test func moreStreamsThanAllowedAreRefused() throws {
        var limits = HTTP2Limits()
        limits.streams = 2
        let peer = try SessionPeer.open(limits)
        for stream in [1, 3, 5] as [UInt32] { peer.send(.headers(stream, PeerFrame.request("POST", "/"), ends: false)) }
        #expect(peer.received() == [.reset(5, 7)])
        peer.send(.reset(1))
        // A reset alone frees no slot while the work goes on.
        peer.session.heldSlots = 1
        peer.send(.headers(7, PeerFrame.request("GET", "/")))
        #expect(peer.received() == [.reset(7, 7)])
        peer.session.heldSlots = 0
        peer.send(.headers(9, PeerFrame.request("GET", "/")))
        #expect(peer.events().last?.name == "end 9")
    }
}
