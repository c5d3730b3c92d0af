// SPDX-License-Identifier: Apache-2.0

import SocketServer
import Synchronization

/// Gives the metrics page access to the server, which is created after it.
final class InflightBytes: Sendable {
    private let current = Mutex<SocketServer?>(nil)

    var server: SocketServer? {
        get { current.withLock { $0 } }
        set { current.withLock { $0 = newValue } }
    }

    func read() -> Int { server?.inflightBytes ?? 0 }
}
