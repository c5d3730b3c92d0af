// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Serves HTTP on a TCP or Unix socket: event loops on threads of their own, one owner a connection.
package final class SocketServer: Sendable {
    private let configuration: SocketServerConfiguration
    private let loops: [EventLoop]
    private let totals = EventLoop.Totals()

    /// - Throws: `SocketServerError.systemCall`.
    package init(
        configuration: SocketServerConfiguration,
        handler: any RequestHandler
    ) throws(SocketServerError) {
        self.configuration = configuration
        var loops: [EventLoop] = []
        for _ in 0..<max(1, configuration.loops) {
            loops.append(try EventLoop(configuration: configuration, handler: handler, totals: totals))
        }
        self.loops = loops
    }

    /// Listens and serves from now on.
    ///
    /// - Returns: the bound address, `http://HOST:PORT` or `unix:PATH`.
    /// - Throws: `SocketServerError`.
    package func start() throws(SocketServerError) -> String {
        let listener = try Listener(configuration.endpoint)
        let flags = fcntl(listener.descriptor, F_GETFL)
        guard flags >= 0, fcntl(listener.descriptor, F_SETFL, flags | O_NONBLOCK) == 0 else {
            throw .systemCall(name: "fcntl", errno: errno)
        }
        loops[0].listen(on: listener.descriptor, sharingWith: loops)
        for loop in loops { loop.start() }
        return listener.address
    }

    package var connectionCount: Int { totals.connections.load(ordering: .relaxed) }

    /// Octets of request bodies that are held now.
    package var inflightBytes: Int { totals.bodyBytes.load(ordering: .relaxed) }

    /// Closes the listening socket; connections live on.
    package func stopAccepting() {
        loops[0].post(.stopAccepting)
        if case .unix(let path) = configuration.endpoint { unlink(path) }
    }

    /// Closes idle connections and waits for the others to finish what they have begun.
    ///
    /// - Returns: whether all were done within `timeout`.
    package func drain(timeout: Duration) async -> Bool {
        for loop in loops { loop.post(.drain) }
        let end = ContinuousClock.now + timeout
        while connectionCount > 0, .now < end, !Task.isCancelled { try? await Task.sleep(for: .milliseconds(10)) }
        return connectionCount == 0
    }

    /// Ends every connection and the loops.
    package func shutdown() {
        for loop in loops { loop.post(.shutdown) }
    }
}
