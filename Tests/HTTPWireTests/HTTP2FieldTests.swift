// SPDX-License-Identifier: Apache-2.0

import HTTP2Peer
import HTTPTypes
import HTTPWire
import Testing

/// Header sections that break a rule (RFC 9113 8), and such that only look as if.
@Suite struct HTTP2FieldTests {
    struct Case: CustomTestStringConvertible {
        let rule: String
        let fields: [(String, String)]

        var testDescription: String { rule }
    }

    private static let valid = PeerFrame.request("GET", "/")

    private static func adding(_ rule: String, _ name: String, _ value: String) -> Case {
        Case(rule: rule, fields: valid + [(name, value)])
    }

    private static func changing(_ rule: String, _ name: String, to value: String?) -> Case {
        Case(rule: rule, fields: valid.compactMap { $0.0 == name ? value.map { (name, $0) } : $0 })
    }

    private static let additions = [
        adding("upper-case name", "X", "y"),
        adding("empty name", "", "y"),
        adding("blank in a name", "a b", "y"),
        adding("colon in a name", "a:b", "y"),
        adding("control byte in a name", "a\u{1}", "y"),
        adding("unknown pseudo-field", ":a", "y"),
        adding("pseudo-field of responses", ":status", "200"),
        adding("extended CONNECT, which was not offered", ":protocol", "websocket"),
        adding(":method twice", ":method", "GET"),
        adding(":scheme twice", ":scheme", "http"),
        adding(":path twice", ":path", "/"),
        adding(":authority twice", ":authority", "test"),
        adding("connection", "connection", "keep-alive"),
        adding("keep-alive", "keep-alive", "1"),
        adding("proxy-connection", "proxy-connection", "close"),
        adding("transfer-encoding", "transfer-encoding", "chunked"),
        adding("upgrade", "upgrade", "h2c"),
        adding("te that is not trailers", "te", "trailers, gzip"),
        adding("host that differs", "host", "other"),
        adding("CR in a value", "a", "b\rc"),
        adding("LF in a value", "a", "b\nc"),
        adding("NUL in a value", "a", "b\0c"),
        adding("control byte in a value", "a", "b\u{1}c"),
        adding("DEL in a value", "a", "b\u{7F}"),
        adding("blank before a value", "a", " b"),
        adding("blank after a value", "a", "b "),
        adding("tab before a value", "a", "\tb"),
        adding("tab after a value", "a", "b\t"),
        adding("length without a body", "content-length", "1"),
        adding("length that is no number", "content-length", "x"),
        adding("length with a sign", "content-length", "+0"),
        adding("empty length", "content-length", ""),
        adding("length that overflows", "content-length", "99999999999999999999999"),
    ]

    private static let changes = [
        changing("no :method", ":method", to: nil),
        changing("no :scheme", ":scheme", to: nil),
        changing("no :path", ":path", to: nil),
        changing("no :authority and no host", ":authority", to: nil),
        changing("empty :method", ":method", to: ""),
        changing("blank in :method", ":method", to: "G T"),
        changing("empty :scheme", ":scheme", to: ""),
        changing("empty :path", ":path", to: ""),
        changing("relative :path", ":path", to: "a"),
        changing("absolute :path", ":path", to: "http://test/"),
        changing("* without OPTIONS", ":path", to: "*"),
        changing("blank in :path", ":path", to: "/a b"),
        changing("control byte in :path", ":path", to: "/\u{1}"),
        changing("byte beyond ASCII in :path", ":path", to: "/é"),
        changing("empty :authority", ":authority", to: ""),
        changing("user in :authority", ":authority", to: "user@test"),
        changing("slash in :authority", ":authority", to: "a/b"),
        changing("CONNECT with :path", ":method", to: "CONNECT"),
    ]

    private static let others = [
        Case(rule: "pseudo-field after a field", fields: [("a", "b")] + valid),
        Case(rule: "no field at all", fields: []),
        Case(rule: "host twice", fields: valid + [("host", "test"), ("host", "test")]),
        Case(rule: "length twice", fields: valid + [("content-length", "0"), ("content-length", "0")]),
        Case(rule: "CONNECT to nowhere", fields: [(":method", "CONNECT")]),
    ]

    @Test(arguments: additions + changes + others) func aMalformedRequestIsAStreamError(_ request: Case) throws {
        let peer = try SessionPeer.open()
        peer.send(.headers(1, request.fields))
        #expect(peer.received() == [.reset(1, 1)])
        #expect(peer.events().map(\.name) == ["closed 1 faulty"])
        // The connection lives on.
        peer.send(.headers(3, Self.valid))
        #expect(peer.events().map(\.name) == ["head 3", "end 3"])
    }

    @Test(arguments: [
        adding("te: trailers", "te", "trailers"),
        adding("host that agrees", "host", "TEST:80"),
        adding("field with obs-text", "a", "é"),
        adding("empty value", "a", ""),
        adding("length of no body", "content-length", "0"),
        changing("IPv6 address", ":authority", to: "[::1]:80"),
        Case(rule: "host alone", fields: valid.filter { $0.0 != ":authority" } + [("host", "test")]),
        Case(rule: "OPTIONS *", fields: PeerFrame.request("OPTIONS", "*")),
        changing("scheme of a proxy with TLS", ":scheme", to: "https"),
    ])
    func whatIsWellFormedIsServed(_ request: Case) throws {
        let peer = try SessionPeer.open()
        peer.send(.headers(1, request.fields))
        #expect(peer.events().map(\.name) == ["head 1", "end 1"])
    }

    @Test(arguments: [
        (Case(rule: "CONNECT", fields: [(":method", "CONNECT"), (":authority", "a:1")]), HTTPRefusal.connectMethod),
        (changing("unknown method", ":method", to: "BREW"), .unknownMethod),
        (changing("malformed escape", ":path", to: "/%zz"), .malformedTarget),
        (changing("fragment", ":path", to: "/a#b"), .malformedTarget),
        (changing("another scheme", ":scheme", to: "ftp"), .malformedTarget),
        (adding("another expectation", "expect", "200-ok"), .expectationFailed),
        (adding("long field", "a", String(repeating: "b", count: 16_000)), .headTooLarge(limit: 15_000)),
        (
            changing("long path", ":path", to: "/" + String(repeating: "b", count: 16_000)),
            .targetTooLong(limit: 15_000)
        ),
        (
            Case(rule: "many fields", fields: valid + [(String, String)](repeating: ("a", "b"), count: 129)),
            .tooManyFields(limit: 128)
        ),
    ])
    func whatTheProtocolLayerRefusesItself(_ request: Case, refusal: HTTPRefusal) throws {
        var limits = HTTP2Limits()
        limits.field = 15_000
        let peer = try SessionPeer.open(limits)
        peer.send(.headers(1, request.fields))
        let events = peer.events()
        #expect(events.map(\.name) == ["refused 1 \(refusal.status)", "end 1"])
        if case .refused(_, let actual, _)? = events.first { #expect(actual == refusal) }
    }

    /// The response to a refused request depends on headers that may come after what is refused.
    @Test func aRefusedHeadKeepsItsOtherHeaders() throws {
        let late = [("accept", "text/late")]
        var limits = HTTP2Limits()
        limits.field = 15_000
        for fields in [
            Self.changing("", ":path", to: "/" + String(repeating: "b", count: 16_000)).fields + late,
            Self.valid + [("a", String(repeating: "b", count: 16_000))] + late,
            Self.changing("", ":method", to: "BREW").fields + late,
            Self.valid + late + [("expect", "200-ok")],
            Self.valid + late + [(String, String)](repeating: ("a", "b"), count: 129),
        ] {
            let peer = try SessionPeer.open(limits)
            peer.send(.headers(1, fields))
            guard case .refused(_, _, let head)? = peer.events().first else {
                Issue.record("\(fields.count) headers are not refused")
                continue
            }
            #expect(head.fields[.accept] == "text/late")
        }
    }

    @Test func aListBeyondItsLimitIsRefusedAndABombEndsTheConnection() throws {
        let peer = try SessionPeer.open()
        // One large entry of the dynamic table, and one byte for each use of it (RFC 7541 6.1).
        let entry = [0x40] + PeerFrame.literal([0x78]) + PeerFrame.literal([UInt8](repeating: 0x79, count: 4000))
        let valid = PeerFrame.block(Self.valid)
        peer.send(PeerFrame(1, flags: 5, stream: 1, valid + entry + [UInt8](repeating: 0xBE, count: 16)))
        #expect(peer.events().map(\.name) == ["refused 1 431", "end 1"])
        peer.send(PeerFrame(1, flags: 5, stream: 3, valid + [UInt8](repeating: 0xBE, count: 1000)))
        #expect(peer.goAwayCode() == 11)
        #expect(peer.session.isFinished)
    }

    @Test(arguments: [
        [(":path", "/")], [(":status", "200")], [("X", "y")], [("connection", "close")], [("a", " b")],
        [(String, String)](repeating: ("a", "b"), count: 129),
    ])
    func trailersKeepTheRulesToo(fields: [(String, String)]) throws {
        let peer = try SessionPeer.open()
        peer.send(.headers(1, PeerFrame.request("POST", "/"), ends: false), .data(1, [1], ends: false))
        peer.send(.headers(1, fields))
        #expect(peer.received() == [.reset(1, 1)])
        #expect(peer.events().last?.name == "closed 1 faulty")
    }

    @Test(arguments: [
        [PeerFrame.data(1, [1, 2])],
        [.data(1, [1, 2, 3, 4])],
        [.data(1, [1, 2], ends: false), .data(1, [3, 4], ends: false)],
        [.data(1, [1, 2], ends: false), .headers(1, [("a", "b")])],
        // Trailers without an end.
        [.data(1, [1, 2, 3], ends: false), .headers(1, [("a", "b")], ends: false)],
    ])
    func aBodyIsAsLongAsItsLengthSays(frames: [PeerFrame]) throws {
        let peer = try SessionPeer.open()
        peer.send(.headers(1, PeerFrame.request("POST", "/", [("content-length", "3")]), ends: false))
        for frame in frames { peer.send(frame) }
        #expect(peer.received().last == .reset(1, 1))
        #expect(peer.events().last?.name == "closed 1 faulty")
    }
}
