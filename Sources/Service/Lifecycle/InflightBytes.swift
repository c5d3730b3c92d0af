// SPDX-License-Identifier: Apache-2.0

import SocketServer
import Synchronization

/// Gives the metrics page access to the server, which is created after it.
///
/// Weakly, because the server's handler leads to the page.
final class InflightBytes: Sendable {
    private struct Reference {
        weak var server: SocketServer?
    }

    private let current = Mutex(Reference())

    var server: SocketServer? {
        get { current.withLock { $0.server } }
        set { current.withLock { $0.server = newValue } }
    }

    func read() -> Int { server?.inflightBytes ?? 0 }
}
