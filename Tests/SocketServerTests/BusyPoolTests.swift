// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import SocketServer
import Synchronization
import Testing

/// The loops must not depend on threads that others can block.
@Suite(.timeLimit(.minutes(2))) struct BusyPoolTests {
    /// Blocks every thread of the global queues, and with them those of Swift's tasks, until it is told to end.
    private final class Blockade: Sendable {
        private let end = DispatchSemaphore(value: 0)
        private let blocked = Atomic(0)
        private static let perQueue = 32
        private static let qualities: [DispatchQoS.QoSClass] = [.default, .userInitiated, .utility, .background]

        init() {
            for quality in Self.qualities {
                for _ in 0..<Self.perQueue {
                    DispatchQueue.global(qos: quality).async { [self] in
                        blocked.add(1, ordering: .relaxed)
                        end.wait()
                    }
                }
            }
            // As many as there are processors begin at once; the rest waits, and whatever comes behind it.
            let least = Self.qualities.count
            while blocked.load(ordering: .relaxed) < least { usleep(1000) }
        }

        func lift() { for _ in 0..<Self.qualities.count * Self.perQueue { end.signal() } }
    }

    private final class Flag: Sendable {
        let isSet = Atomic(false)
    }

    @Test func loopsRunWhileAllPoolsAreBlocked() async throws {
        let configuration = TestServer.settings {
            $0.loops = 2
            $0.headerTimeout = .milliseconds(200)
        }
        try await TestServer.run(configuration) { test in
            let blockade = Blockade()
            defer { blockade.lift() }
            let reached = Flag()
            Task { reached.isSet.store(true, ordering: .relaxed) }
            // New connections, their requests and their deadlines.
            for _ in 0..<4 {
                let client = try test.client()
                client.request("GET", "/early")
                #expect(try client.response().status == 403)
                client.send("GET / HT")
                #expect(try client.response().status == 408)
            }
            let hasRun = reached.isSet.load(ordering: .relaxed)
            #expect(!hasRun)
        }
    }
}
