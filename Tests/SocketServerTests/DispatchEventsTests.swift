// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import SocketServer
import Synchronization
import Testing

/// Dispatch behind the loops: who closes what, and that nothing is left.
@Suite(.timeLimit(.minutes(2))) struct DispatchEventsTests {
    /// Reads what comes, and counts.
    private final class Reader: DescriptorHandler, Sendable {
        let descriptor: Int32
        let received = Atomic(0)
        let calls = Atomic(0)
        let writable = Atomic(0)
        let hangUps = Atomic(0)

        init(_ descriptor: Int32) { self.descriptor = descriptor }

        func handle(_ readiness: Readiness) {
            calls.add(1, ordering: .relaxed)
            if readiness.contains(.hungUp) { hangUps.add(1, ordering: .relaxed) }
            if readiness.contains(.writable) { writable.add(1, ordering: .relaxed) }
            guard readiness.contains(.readable) else { return }
            var byte: UInt8 = 0
            let count = recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT))
            received.add(max(count, 0), ordering: .relaxed)
        }
    }

    /// A pair of sockets, the first under watch.
    private final class Watched {
        let peer: Int32
        let events = DispatchEvents(label: "test")
        let reader: Reader
        private(set) var watch: (any DescriptorWatch)?

        init() {
            var ends: [Int32] = [0, 0]
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)
            peer = ends[1]
            reader = Reader(ends[0])
            onQueue { $0.watch = $0.events.watch($0.reader.descriptor, handler: $0.reader) }
        }

        deinit { close(peer) }

        /// Runs `body` where the watch belongs.
        func onQueue(_ body: @escaping (Watched) -> Void) {
            // The caller waits, so nothing is used by two threads at once.
            nonisolated(unsafe) let work = { body(self) }
            let done = DispatchSemaphore(value: 0)
            events.post {
                work()
                done.signal()
            }
            done.wait()
        }

        /// Cancels the watch; returns once the descriptor is closed.
        func cancel() {
            let closed = DispatchSemaphore(value: 0)
            onQueue { $0.watch?.cancel { closed.signal() } }
            closed.wait()
            watch = nil
        }

        func send(_ count: Int) { _ = Foundation.send(peer, [UInt8](repeating: 1, count: count), count, 0) }

        func wait(until condition: () -> Bool) throws {
            for _ in 0..<30_000 {
                if condition() { return }
                usleep(1000)
            }
            throw RawClient.Failure(description: "waited 30 s in vain")
        }
    }

    @Test func readsAllAndThenNothing() throws {
        let test = Watched()
        test.send(100)
        try test.wait { test.reader.received.load(ordering: .relaxed) == 100 }
        usleep(50_000)
        let calls = test.reader.calls.load(ordering: .relaxed)
        usleep(100_000)
        #expect(test.reader.calls.load(ordering: .relaxed) == calls)
        test.send(1)
        try test.wait { test.reader.received.load(ordering: .relaxed) == 101 }
        test.cancel()
    }

    @Test func isSilentWhileNothingIsWanted() throws {
        let test = Watched()
        test.onQueue { $0.watch?.setInterest(reading: false, writing: false) }
        test.send(1)
        usleep(50_000)
        #expect(test.reader.calls.load(ordering: .relaxed) == 0)
        test.onQueue { $0.watch?.setInterest(reading: true, writing: false) }
        try test.wait { test.reader.received.load(ordering: .relaxed) == 1 }
        test.cancel()
    }

    @Test func writesAreReportedWhileWanted() throws {
        let test = Watched()
        test.onQueue { $0.watch?.setInterest(reading: true, writing: true) }
        try test.wait { test.reader.writable.load(ordering: .relaxed) > 0 }
        test.onQueue { $0.watch?.setInterest(reading: true, writing: false) }
        let writable = test.reader.writable.load(ordering: .relaxed)
        usleep(50_000)
        #expect(test.reader.writable.load(ordering: .relaxed) == writable)
        test.onQueue { $0.watch?.setInterest(reading: true, writing: true) }
        try test.wait { test.reader.writable.load(ordering: .relaxed) > writable }
        test.cancel()
    }

    @Test func aHangUpIsToldFromAnEnd() throws {
        let test = Watched()
        shutdown(test.peer, Int32(SHUT_WR))
        try test.wait { test.reader.calls.load(ordering: .relaxed) > 0 }
        test.onQueue { watched in
            #expect(watched.reader.hangUps.load(ordering: .relaxed) == 0)
            watched.watch?.setInterest(reading: false, writing: false)
        }
        // Whatever is wanted.
        shutdown(test.peer, Int32(SHUT_RDWR))
        try test.wait { test.reader.hangUps.load(ordering: .relaxed) > 0 }
        test.cancel()
    }

    @Test func whatWasSentBeforeAHangUpIsReadFirst() throws {
        let test = Watched()
        test.onQueue { $0.watch?.setInterest(reading: false, writing: false) }
        test.send(100)
        test.onQueue { watched in
            shutdown(watched.peer, Int32(SHUT_RDWR))
            watched.watch?.setInterest(reading: true, writing: false)
        }
        try test.wait { test.reader.hangUps.load(ordering: .relaxed) > 0 }
        #expect(test.reader.received.load(ordering: .relaxed) == 100)
        test.cancel()
    }

    /// Cancels the other watch of its pair, whichever comes first in a batch of events.
    private final class Rival: DescriptorHandler {
        var other: (any DescriptorWatch)?
        let calls: Atomic<Int>

        init() { calls = Atomic(0) }

        func handle(_ readiness: Readiness) {
            calls.add(1, ordering: .relaxed)
            other?.cancel {}
            other = nil
        }
    }

    @Test func anEventOfAWatchThatIsCancelledMeanwhileIsDropped() throws {
        for _ in 0..<200 {
            let events = DispatchEvents(label: "test")
            let rivals = [Rival(), Rival()]
            let done = DispatchSemaphore(value: 0)
            nonisolated(unsafe) let setUp = { () -> [any DescriptorWatch] in
                let watches = rivals.map { rival -> any DescriptorWatch in
                    var ends: [Int32] = [0, 0]
                    socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)
                    close(ends[1])
                    return events.watch(ends[0], handler: rival)
                }
                (rivals[0].other, rivals[1].other) = (watches[1], watches[0])
                return watches
            }
            nonisolated(unsafe) var watches: [any DescriptorWatch] = []
            events.post {
                watches = setUp()
                done.signal()
            }
            done.wait()
            func calls() -> [Int] { rivals.map { $0.calls.load(ordering: .relaxed) } }
            for _ in 0..<30_000 where calls() == [0, 0] { usleep(100) }
            events.post {
                for watch in watches { watch.cancel {} }
                watches = []
                done.signal()
            }
            done.wait()
            // Exactly one of them was ever called.
            #expect(calls().contains(0) && calls() != [0, 0])
        }
    }

    /// In every state: the descriptor is closed and the watch freed.
    @Test(arguments: [(true, false), (false, false), (true, true), (false, true)])
    func endsInEveryState(reading: Bool, writing: Bool) throws {
        for step in 0..<20 {
            let test = Watched()
            weak let watch = test.watch
            weak let events = test.events
            if step % 2 == 0 { test.onQueue { $0.watch?.setInterest(reading: true, writing: true) } }
            test.onQueue { $0.watch?.setInterest(reading: reading, writing: writing) }
            if step % 3 == 0 { test.send(1) }
            test.cancel()
            // The other end sees an end only if the descriptor is closed.
            var byte: UInt8 = 0
            #expect(recv(test.peer, &byte, 1, 0) <= 0)
            try test.wait { watch == nil }
            withExtendedLifetime(events) {}
        }
    }

    @Test func aServerLeavesNothingBehind() throws {
        weak var handler: ScriptedHandler?
        weak var server: SocketServer?
        try {
            let ownHandler = ScriptedHandler()
            let ownServer = SocketServer(configuration: TestServer.settings { $0.loops = 2 }, handler: ownHandler)
            handler = ownHandler
            server = ownServer
            let port = try #require(try ownServer.start().split(separator: ":").last.flatMap { UInt16($0) })
            let clients = try (0..<10).map { _ in try RawClient(port: port) }
            for client in clients {
                client.request("GET", "/a")
                #expect(try client.response().status == 200)
            }
            clients[0].request("GET", "/large")
            clients[1].send("GET / HT")
            ownServer.shutdown()
        }()
        for _ in 0..<30_000 where handler != nil { usleep(1000) }
        #expect(handler == nil && server == nil)
    }
}
