// SPDX-License-Identifier: Apache-2.0

import HTTP2Peer
import HTTPWire
import Testing

/// Windows in both directions, and clients that ask for much and bring nothing.
@Suite struct HTTP2FlowTests {
    @Test func theClientsWindowsOpenAsItsBodiesAreConsumed() throws {
        var limits = HTTP2Limits()
        limits.streamWindow = 65535
        limits.connectionWindow = 65535
        let peer = try SessionPeer.open(limits)
        peer.send(.headers(1, PeerFrame.request("POST", "/"), ends: false))
        let piece = [UInt8](repeating: 1, count: 16384)
        for _ in 0..<3 { peer.send(.data(1, piece, ends: false)) }
        #expect(!peer.received().contains { $0.kind == 8 })
        peer.session.consume(49152, on: 1, reopensStream: true)
        let updates = peer.received()
        #expect(updates.allSatisfy { $0.kind == 8 && $0.number == 49152 })
        #expect(Set(updates.map(\.stream)) == [0, 1])
        // The rest of a stream that nobody wants opens the connection for the others only.
        for _ in 0..<3 { peer.send(.data(1, piece, ends: false)) }
        peer.session.consume(49152, on: 1, reopensStream: false)
        #expect(peer.received().map(\.stream) == [0])
    }

    @Test func paddingIsGivenBackWithoutBeingConsumed() throws {
        var limits = HTTP2Limits()
        limits.streamWindow = 65535
        limits.connectionWindow = 65535
        let peer = try SessionPeer.open(limits)
        peer.send(.headers(1, PeerFrame.request("POST", "/"), ends: false))
        let padded = PeerFrame(0, flags: 8, stream: 1, [255, 1] + [UInt8](repeating: 0, count: 255))
        for _ in 0..<200 { peer.send(padded) }
        peer.session.consume(200, on: 1, reopensStream: true)
        var back: [UInt32: UInt32] = [:]
        for update in peer.received() { back[update.stream, default: 0] += update.number }
        // The rest waits until half the window is worth an update.
        #expect(back.count == 2 && back.values.allSatisfy { (32768...51400).contains($0) })
    }

    @Test func aClientBeyondItsWindowIsStopped() throws {
        var limits = HTTP2Limits()
        limits.streamWindow = 65535
        limits.connectionWindow = 65535
        let peer = try SessionPeer.open(limits)
        peer.send(.headers(1, PeerFrame.request("POST", "/"), ends: false))
        for _ in 0..<5 { peer.send(.data(1, [UInt8](repeating: 1, count: 16384), ends: false)) }
        #expect(peer.goAwayCode() == 3)
    }

    @Test func responsesKeepWithinTheClientsWindows() throws {
        let peer = try SessionPeer.open(settings: [(4, 3)])
        peer.send(.headers(1, PeerFrame.request("GET", "/")))
        peer.response(1, Array("abcdefgh".utf8))
        #expect(peer.received().last?.payload == Array("abc".utf8))
        // Below zero: two bytes must be given back before anything moves.
        peer.send(.settings([(4, 1)]), .windowUpdate(1, 2))
        #expect(!peer.received().contains { $0.kind == 0 })
        peer.send(.windowUpdate(1, 1))
        #expect(peer.received().map(\.payload) == [Array("d".utf8)])
        peer.send(.settings([(4, 1000)]))
        let rest = peer.received().filter { $0.kind == 0 }
        #expect(rest.flatMap(\.payload) == Array("efgh".utf8) && rest.last?.endsStream == true)
    }

    @Test func outputComesInBoundedSteps() throws {
        let peer = try SessionPeer.open(settings: [(4, UInt32(Int32.max))])
        peer.send(.windowUpdate(0, UInt32(Int32.max) - 65535))
        for stream in stride(from: UInt32(1), to: 41, by: 2) {
            peer.send(.headers(stream, PeerFrame.request("GET", "/")))
            peer.response(Int32(stream), [UInt8](repeating: 1, count: 1_000_000))
        }
        for _ in 0..<10 {
            let count = peer.session.output(atMost: 65536, now: peer.now).count
            #expect((1...65536 + 16384 + 9).contains(count))
        }
    }

    @Test func aStalledResponseIsFound() throws {
        let peer = try SessionPeer.open(settings: [(4, 1)])
        peer.send(.headers(1, PeerFrame.request("GET", "/")))
        peer.response(1)
        _ = peer.received()
        #expect(peer.slow(after: .milliseconds(999)) == [])
        #expect(peer.slow(after: .milliseconds(1)) == [1])
    }

    @Test func aResponseBelowTheRateIsFoundHoweverOftenItMoves() throws {
        let peer = try SessionPeer.open(settings: [(4, 1)])
        peer.send(.headers(1, PeerFrame.request("GET", "/")))
        peer.response(1, [UInt8](repeating: 1, count: 10_000))
        for _ in 0..<9 {
            peer.send(.windowUpdate(1, 10))
            #expect(peer.received().contains { $0.kind == 0 })
            #expect(peer.slow(after: .milliseconds(100)) == [])
        }
        #expect(peer.slow(after: .milliseconds(100)) == [1])
    }

    @Test func aResponseAboveTheRateMayTakeAnyTime() throws {
        let peer = try SessionPeer.open(settings: [(4, 1)])
        peer.send(.headers(1, PeerFrame.request("GET", "/")))
        peer.response(1, [UInt8](repeating: 1, count: 10_000))
        for _ in 0..<40 {
            peer.send(.windowUpdate(1, 110))
            #expect(peer.received().contains { $0.kind == 0 })
            #expect(peer.slow(after: .milliseconds(100)) == [])
        }
    }

    @Test func responsesShareTheRate() throws {
        let peer = try SessionPeer.open(settings: [(4, 1)])
        for stream in [1, 3] as [UInt32] {
            peer.send(.headers(stream, PeerFrame.request("GET", "/")))
            peer.response(Int32(stream), [UInt8](repeating: 1, count: 10_000))
        }
        for _ in 0..<20 {
            peer.send(.windowUpdate(1, 110), .windowUpdate(3, 60))
            _ = peer.received()
            #expect(peer.slow(after: .milliseconds(100)) == [])
        }
        // One that does not move is at fault alone, however fast the other is.
        for _ in 0..<10 {
            peer.send(.windowUpdate(1, 110))
            _ = peer.received()
            peer.now += .milliseconds(100)
        }
        #expect(peer.slow(after: .zero) == [3])
    }

    @Test func aResponseThatSharedTheRateUntilNowIsNotAtFault() throws {
        let peer = try SessionPeer.open(settings: [(4, 1)])
        for (stream, count) in [(1, 10_000), (3, 500)] as [(UInt32, Int)] {
            peer.send(.headers(stream, PeerFrame.request("GET", "/")))
            peer.response(Int32(stream), [UInt8](repeating: 1, count: count))
        }
        // The other one ends just before the period does.
        for _ in 0..<9 {
            peer.send(.windowUpdate(1, 60), .windowUpdate(3, 60))
            _ = peer.received()
            #expect(peer.slow(after: .milliseconds(100)) == [])
        }
        peer.send(.windowUpdate(1, 60))
        _ = peer.received()
        #expect(peer.slow(after: .milliseconds(100)) == [])
        // It is alone from now on.
        for _ in 0..<9 {
            peer.send(.windowUpdate(1, 60))
            _ = peer.received()
            #expect(peer.slow(after: .milliseconds(100)) == [])
        }
        #expect(peer.slow(after: .milliseconds(100)) == [1])
    }

    @Test func aResponseThatWaitsForAnotherIsNotAtFault() throws {
        let peer = try SessionPeer.open(settings: [(4, UInt32(Int32.max))])
        // Both share the connection's window.
        for stream in [1, 3] as [UInt32] {
            peer.send(.headers(stream, PeerFrame.request("GET", "/")))
            peer.response(Int32(stream), [UInt8](repeating: 1, count: 1_000_000))
        }
        _ = peer.received()
        for _ in 0..<20 {
            peer.send(.windowUpdate(0, 110))
            _ = peer.received()
            #expect(peer.slow(after: .milliseconds(100)) == [])
        }
        for _ in 0..<10 { peer.now += .milliseconds(100) }
        #expect(Set(peer.slow(after: .zero)) == [1, 3])
    }

    @Test func aBodyIsFreedOnceItIsSentOrReset() throws {
        let peer = try SessionPeer.open(settings: [(4, 1000)])
        for stream in [1, 3, 5] as [UInt32] {
            peer.send(.headers(stream, PeerFrame.request("GET", "/")))
            peer.response(Int32(stream), [UInt8](repeating: 1, count: 2000))
        }
        _ = peer.received()
        #expect(peer.session.responseBytes == 6000)
        peer.send(.windowUpdate(1, 1000))
        #expect(peer.received().last?.endsStream == true)
        #expect(peer.session.responseBytes == 4000)
        peer.session.reset(3, .cancel)
        #expect(peer.session.responseBytes == 2000)
        // What the client could still take of it must not end the stream as if it were whole.
        peer.send(.windowUpdate(3, 1000))
        #expect(!peer.received().contains { $0.kind == 0 })
        peer.send(.reset(5))
        #expect(peer.session.responseBytes == 0)
    }

    @Test func tellsSinceWhenAFrameOrABlockIsIncomplete() throws {
        let peer = try SessionPeer.open()
        #expect(peer.session.incompleteSince == nil)
        let start = peer.now
        peer.send(PeerFrame(1, flags: 0, stream: 1, PeerFrame.block(PeerFrame.request("POST", "/"))))
        #expect(peer.session.incompleteSince == start)
        peer.now += .seconds(1)
        // More of the block does not restart its time.
        peer.send(.continuation(1, [], ends: false))
        #expect(peer.session.incompleteSince == start)
        peer.send(.continuation(1, [], ends: true))
        #expect(peer.session.incompleteSince == nil)
        peer.send(Array(PeerFrame.ping().bytes.dropLast()))
        #expect(peer.session.incompleteSince == start + .seconds(1))
        // A body has a time of its own.
        peer.send([0x38])
        peer.send(Array(PeerFrame.data(1, [1, 2]).bytes.dropLast()))
        #expect(peer.session.incompleteSince == nil)
    }

    struct Flood: CustomTestStringConvertible {
        let name: String
        let frames: @Sendable (UInt32) -> [PeerFrame]

        var testDescription: String { name }
    }

    private static let floods = [
        Flood(name: "PING") { _ in [.ping()] },
        Flood(name: "SETTINGS") { _ in [.settings([(4, 65535)])] },
        Flood(name: "PRIORITY") { _ in [PeerFrame(2, stream: 3, [0, 0, 0, 0, 0])] },
        Flood(name: "WINDOW_UPDATE") { _ in [.windowUpdate(0, 1)] },
        Flood(name: "unknown frames") { _ in [PeerFrame(0x20)] },
        Flood(name: "empty DATA") { $0 == 0 ? [post(1)] : [.data(1, [], ends: false)] },
        Flood(name: "padding") { $0 == 0 ? [post(1)] : [PeerFrame(0, flags: 8, stream: 1, [0])] },
        Flood(name: "CONTINUATION") {
            $0 == 0 ? [PeerFrame(1, stream: 1)] : [.continuation(1, PeerFrame.block([("a", "b")]), ends: false)]
        },
        Flood(name: "empty CONTINUATION") { $0 == 0 ? [PeerFrame(1, stream: 1)] : [.continuation(1, [], ends: false)] },
        Flood(name: "rapid reset") { [post($0 * 2 + 1), .reset($0 * 2 + 1)] },
        Flood(name: "malformed requests") { [.headers($0 * 2 + 1, [("a", "b")])] },
        // The server's own resets, provoked (CVE-2025-8671).
        Flood(name: "provoked resets") { [post($0 * 2 + 1), .windowUpdate($0 * 2 + 1, .max >> 1)] },
        Flood(name: "refused streams") { [post($0 * 2 + 1)] },
    ]

    private static func post(_ stream: UInt32) -> PeerFrame {
        .headers(stream, PeerFrame.request("POST", "/"), ends: false)
    }

    @Test(arguments: floods) func aFloodIsToldToCalmDown(_ flood: Flood) throws {
        let peer = try SessionPeer.open()
        var code: UInt32?
        for index in 0..<2000 where code == nil {
            for frame in flood.frames(UInt32(index)) { peer.send(frame) }
            code = peer.goAwayCode()
            _ = peer.events()
        }
        #expect(code == 11)
        #expect(peer.session.isFinished)
    }

    @Test func framesOnAStreamThatWeResetAreBounded() throws {
        let peer = try SessionPeer.open()
        peer.send(Self.post(1))
        peer.session.reset(1, .cancel)
        _ = peer.received()
        for _ in 0..<600 { peer.send(.data(1, [1], ends: false)) }
        #expect(peer.goAwayCode() == 11)
    }

    @Test func thePatienceRecoversWithTime() throws {
        let peer = try SessionPeer.open()
        for _ in 0..<20 {
            for _ in 0..<100 { peer.send(.ping()) }
            peer.now += .seconds(2)
            _ = peer.received()
        }
        #expect(!peer.session.isFinished)
    }

    @Test func mutatedBytesNeverTrap() throws {
        let bytes =
            PeerFrame.preface
            + [
                .settings([(4, 70000), (5, 16384)]), .settingsAcknowledgement,
                .headers(1, PeerFrame.request("POST", "/a", [("content-length", "4"), ("cookie", "a")]), ends: false),
                .data(1, Array("abcd".utf8)), .windowUpdate(0, 100), .ping(),
                .headers(3, PeerFrame.request("GET", "/b")),
                PeerFrame(2, stream: 5, [0, 0, 0, 1, 9]), .reset(3), .goAway(),
            ].flatMap(\.bytes)
        var random = SplitMix(state: 2)
        for _ in 0..<5000 {
            var mutated = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                // Mostly behind the preface, which would end everything at once.
                let position = Int.random(in: 20..<mutated.count, using: &random)
                mutated[position] = UInt8.random(in: 0...255, using: &random)
            }
            let peer = try SessionPeer()
            peer.send(mutated)
            for event in peer.events() {
                guard case .end(let stream) = event else { continue }
                peer.response(stream)
            }
            #expect(peer.received().first?.kind == 4)
        }
    }
}
