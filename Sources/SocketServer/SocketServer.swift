// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Serves HTTP on a TCP or Unix socket: event loops on Dispatch queues, each with a share of the connections.
package final class SocketServer: Sendable {
    private let configuration: SocketServerConfiguration
    private let loops: [EventLoop]
    private let totals = ServerTotals()
    private let acceptors = Mutex<[Acceptor]>([])

    /// A server that does not listen yet.
    ///
    /// - Parameters:
    ///   - configuration: where to listen, and every bound.
    ///   - handler: the service.
    ///   - events: one source of events for each loop; nil: Dispatch.
    package init(
        configuration: SocketServerConfiguration,
        handler: any RequestHandler,
        events: [any EventSource]? = nil
    ) {
        self.configuration = configuration
        let count = max(1, configuration.loops)
        let events = events ?? (0..<count).map { _ in DispatchEvents(label: "uae.sockets") }
        loops = events.map { [totals] events in
            EventLoop(configuration: configuration, handler: handler, totals: totals, events: events)
        }
    }

    /// Watches keep their connections until they are cancelled, and connections do not keep their loop.
    deinit { shutdown() }

    /// Listens and serves from now on.
    ///
    /// - Returns: the bound address, `http://HOST:PORT` or `unix:PATH`; several are separated by commas.
    /// - Throws: `SocketServerError`.
    package func start() throws(SocketServerError) -> String {
        let listeners = try Listener.open(configuration.endpoint)
        let acceptors = listeners.map { listener in
            Acceptor(listener: listener, configuration: configuration, totals: totals, loops: loops)
        }
        for acceptor in acceptors { acceptor.start() }
        self.acceptors.withLock { $0 = acceptors }
        return listeners.map(\.address).joined(separator: ", ")
    }

    /// Connections whose descriptor is open.
    package var connectionCount: Int { totals.connections }

    /// Bytes of request bodies and of responses that are held now.
    package var inflightBytes: Int { totals.heldBytes }

    /// Closes the listening socket; open connections continue.
    package func stopAccepting() {
        let acceptors = acceptors.withLock { acceptors in
            defer { acceptors = [] }
            return acceptors
        }
        for acceptor in acceptors { acceptor.stop() }
    }

    /// Closes idle connections and waits until the others have finished their requests.
    ///
    /// - Returns: whether all were done within `timeout`.
    package func drain(timeout: Duration) async -> Bool {
        for loop in loops { loop.drain() }
        await withTaskGroup { [totals] group in
            group.addTask { await totals.drained() }
            group.addTask { try? await Task.sleep(for: timeout) }
            await group.next()
            group.cancelAll()
        }
        return connectionCount == 0
    }

    /// Ends every connection, and accepts no more.
    package func shutdown() {
        stopAccepting()
        for loop in loops { loop.shutdown() }
    }
}
