// SPDX-License-Identifier: Apache-2.0

import HTTP2Peer
import HTTPTypes
import HTTPWire
import Testing

/// What a session makes of requests and responses that keep the rules.
@Suite struct HTTP2SessionTests {
    @Test func readsAConnectionThatIsSplitAnywhere() throws {
        let bytes =
            PeerFrame.preface
            + [
                .settings([(4, 70000)]), .settingsAcknowledgement,
                PeerFrame(9 + 100, stream: 0, Array("unknown".utf8)),
                .headers(1, PeerFrame.request("POST", "/a?b=%20c", [("content-length", "4")]), ends: false),
                .data(1, Array("ab".utf8), ends: false), .data(1, Array("cd".utf8)),
                .headers(3, PeerFrame.request("GET", "/d")),
            ].flatMap(\.bytes)
        for step in [1, 2, 7, 8, 9, 10, 33, bytes.count] {
            let peer = try SessionPeer()
            for start in stride(from: 0, to: bytes.count, by: step) {
                peer.send(Array(bytes[start..<min(start + step, bytes.count)]))
            }
            var bodies = 0
            let names = peer.events().compactMap { event -> String? in
                guard case .body(_, let bytes) = event else { return event.name }
                bodies += bytes.count
                return nil
            }
            #expect(names == ["head 1", "end 1", "head 3", "end 3"])
            #expect(bodies == 4)
            #expect(peer.session.incompleteSince == nil)
            #expect(!peer.session.isFinished)
        }
    }

    @Test func tellsTheHeadAsHTTP1Does() throws {
        let peer = try SessionPeer.open()
        let others = [("cookie", "a=1"), ("x", "y"), ("cookie", "b=2"), ("expect", "100-continue")]
        peer.send(.headers(1, PeerFrame.request("POST", "/a%2Fb?c=d+e", others), ends: false))
        let head = try #require(peer.heads().first)
        let request = head.request
        #expect(request.method == .post && request.version == .http2)
        #expect(request.rawTarget == "/a%2Fb?c=d+e" && request.path == "/a/b")
        #expect(request.query.map { $0.name + "=" + $0.value } == ["c=d e"])
        #expect(request.fields[.cookie] == "a=1; b=2")
        #expect(HTTPField.Name("Host").flatMap { request.fields[$0] } == "test")
        #expect(request.contentLength == nil && request.isChunked && request.hasBody)
        #expect(head.expectsContinue)
    }

    @Test func respondsWithLowerCaseNamesAndNoConnectionFields() throws {
        let peer = try SessionPeer.open()
        peer.send(.headers(1, PeerFrame.request("GET", "/")))
        var response = Response(status: 201, body: Array("hello".utf8))
        response.fields[.contentType] = "text/plain"
        response.fields[.connection] = "close"
        response.fields[.transferEncoding] = "chunked"
        peer.session.respond(response, on: 1, date: "today", now: peer.now)
        let frames = peer.received()
        #expect(frames.map(\.kind) == [1, 0] && frames.last?.endsStream == true)
        #expect(
            try peer.fields(frames[0]) == [
                ":status": "201", "content-type": "text/plain", "date": "today", "content-length": "5",
            ]
        )
        #expect(frames[1].payload == Array("hello".utf8))
        #expect(peer.events().map(\.name) == ["head 1", "end 1", "closed 1 finished"])
    }

    @Test(arguments: [("HEAD", 200, "2"), ("GET", 204, nil), ("GET", 304, nil)])
    func respondsWithoutContentWhereThereIsNone(method: String, status: Int, length: String?) throws {
        let peer = try SessionPeer.open()
        peer.send(.headers(1, PeerFrame.request(method, "/")))
        let response = Response(status: status, body: Array("no".utf8))
        peer.session.respond(response, on: 1, date: "today", now: peer.now)
        let frames = peer.received()
        #expect(frames.map(\.kind) == [1] && frames[0].endsStream)
        #expect(try peer.fields(frames[0])["content-length"] == length)
    }

    @Test func continuesBeforeTheResponse() throws {
        let peer = try SessionPeer.open()
        peer.send(.headers(1, PeerFrame.request("POST", "/", [("expect", "100-continue")]), ends: false))
        peer.session.sendContinue(on: 1)
        let word = peer.received()
        #expect(word.map(\.kind) == [1] && word.first?.endsStream == false)
        #expect(try peer.fields(word[0]) == [":status": "100"])
        peer.send(.data(1, [1]))
        peer.response(1)
        #expect(try peer.fields(peer.received()[0])[":status"] == "200")
    }

    @Test func announcesItsBounds() throws {
        let frames = try SessionPeer().received()
        let settings = try #require(frames.first)
        #expect(settings.kind == 4)
        let entries = stride(from: 0, to: settings.payload.count, by: 6).map { Array(settings.payload[$0..<$0 + 6]) }
        let values = Dictionary(uniqueKeysWithValues: entries.map { ($0[1], $0[2...].reduce(0) { $0 << 8 | Int($1) }) })
        #expect(values == [2: 0, 3: 100, 4: 256 << 10, 5: 16384, 6: 64 << 10, 9: 1])
        // The connection's window is what the first WINDOW_UPDATE makes of 65535.
        #expect(frames.dropFirst().map(\.number) == [UInt32(1 << 20) - 65535])
    }

    @Test func frameTypesAndFlagsThatNobodyKnowsAreIgnored() throws {
        let peer = try SessionPeer.open()
        peer.send(
            PeerFrame(0x20, flags: 255, stream: 1, [1, 2, 3]),
            PeerFrame(6, flags: 0xFE, stream: 1 << 31, Array("abcdefgh".utf8)),
            PeerFrame(2, stream: 9, [0, 0, 0, 0, 5]),
            .settings([(0xFF, 9)])
        )
        let frames = peer.received()
        #expect(frames.map(\.kind).sorted() == [4, 6])
        #expect(frames.first { $0.kind == 6 }?.payload == Array("abcdefgh".utf8))
    }

    @Test func paddingIsNoContent() throws {
        let peer = try SessionPeer.open()
        let block = [3] + PeerFrame.block(PeerFrame.request("POST", "/")) + [0, 0, 0]
        peer.send(PeerFrame(1, flags: 0xC, stream: 1, block), PeerFrame(0, flags: 9, stream: 1, [2, 7, 0, 0]))
        #expect(peer.events().map(\.name) == ["head 1", "body 1 1", "end 1"])
    }

    @Test func aHeaderBlockMayComeInPieces() throws {
        let peer = try SessionPeer.open()
        let block = PeerFrame.block(PeerFrame.request("GET", "/"))
        peer.send(PeerFrame(1, flags: 1, stream: 1))
        for (index, byte) in block.enumerated() {
            peer.send(.continuation(1, [byte], ends: index == block.count - 1))
        }
        #expect(peer.events().map(\.name) == ["head 1", "end 1"])
    }

    @Test func trailersAreReadAndDropped() throws {
        let peer = try SessionPeer.open()
        peer.send(.headers(1, PeerFrame.request("POST", "/"), ends: false), .data(1, [1], ends: false))
        peer.send(.headers(1, [("x", "y")]))
        #expect(peer.events().map(\.name) == ["head 1", "body 1 1", "end 1"])
    }

    @Test func aClientMayTakeItsRequestBack() throws {
        let peer = try SessionPeer.open()
        peer.send(.headers(1, PeerFrame.request("GET", "/")), .reset(1))
        #expect(peer.events().map(\.name) == ["head 1", "end 1", "closed 1 resetByClient"])
        // Frames that crossed the reset on their way are no error.
        peer.send(.windowUpdate(1, 5), .reset(1))
        peer.response(1)
        #expect(peer.received() == [])
    }

    @Test func whatCrossesOurResetIsDropped() throws {
        let peer = try SessionPeer.open()
        peer.send(.headers(1, PeerFrame.request("POST", "/"), ends: false))
        peer.session.reset(1, .cancel)
        #expect(peer.received() == [.reset(1)])
        peer.send(.data(1, [1, 2, 3], ends: false), .headers(1, [("x", "y")]))
        // HPACK's state lives on in blocks that nobody wants (RFC 9113 4.3).
        peer.send(.headers(3, PeerFrame.request("GET", "/")))
        #expect(peer.events().map(\.name) == ["head 1", "closed 1 resetHere", "head 3", "end 3"])
    }

    @Test func anEarlyResponseIsDistinguished() throws {
        let peer = try SessionPeer.open()
        peer.send(.headers(1, PeerFrame.request("POST", "/"), ends: false))
        peer.response(1)
        #expect(peer.received().map(\.kind) == [1, 0])
        #expect(peer.events().map(\.name) == ["head 1", "responded early 1"])
        peer.session.reset(1, .noError)
        #expect(peer.received() == [.reset(1, 0)])
    }

    @Test func anUpgradedRequestIsStreamOne() throws {
        let request = HTTPRequestHead(method: .get, rawTarget: "/a", path: "/a")
        let peer = try SessionPeer(upgrade: (request, [0, 4, 0, 0, 0, 1]))
        #expect(peer.events().map(\.name) == ["head 1", "end 1"])
        peer.response(1)
        // The window of one byte came with the request.
        let frames = peer.received()
        #expect(frames.last { $0.kind == 0 }?.payload.count == 1)
        peer.send(PeerFrame.preface)
        peer.send(.settings([(4, 100)]))
        #expect(peer.received().last { $0.kind == 0 }?.endsStream == true)
    }

    @Test(arguments: [
        ([0, 2, 0, 0, 0, 2], HTTP2Failure.protocolError),
        ([0, 4, 128, 0, 0, 0], .flowControlError),
        ([0, 5, 0, 0, 0, 1], .protocolError),
    ])
    func anUpgradeWithInvalidSettingsIsNone(settings: [UInt8], failure: HTTP2Failure) {
        let request = HTTPRequestHead(method: .get, rawTarget: "/a", path: "/a")
        #expect(throws: failure) { try SessionPeer(upgrade: (request, settings)) }
    }

    @Test func endsInTwoSteps() throws {
        let peer = try SessionPeer.open()
        peer.send(.headers(1, PeerFrame.request("GET", "/")))
        peer.session.beginShutdown()
        let notice = peer.received()
        #expect(notice.map(\.kind).sorted() == [6, 7])
        #expect(notice.first { $0.kind == 7 }?.payload == PeerFrame.number(UInt32(Int32.max)) + PeerFrame.number(0))
        // Sent before the notice arrived: served.
        peer.send(.headers(3, PeerFrame.request("GET", "/")))
        var acknowledgement = try #require(notice.first { $0.kind == 6 })
        acknowledgement.flags = 1
        peer.send(acknowledgement)
        #expect(peer.received().map(\.payload) == [PeerFrame.number(3) + PeerFrame.number(0)])
        // Sent after it: not.
        peer.send(.headers(5, PeerFrame.request("POST", "/"), ends: false), .data(5, [1]))
        #expect(peer.events().map(\.name) == ["head 1", "end 1", "head 3", "end 3"])
        peer.response(1)
        #expect(!peer.session.isFinished)
        peer.response(3)
        #expect(peer.received().count { $0.endsStream } == 2)
        #expect(peer.session.isFinished)
    }
}
