// SPDX-License-Identifier: Apache-2.0

package import HTTPWire

/// The address to listen on, and every bound of a connection.
package struct SocketServerConfiguration: Sendable {
    package enum Endpoint: Sendable, Equatable {
        /// Port 0 selects a free one.
        case tcp(host: String, port: Int)
        /// - Parameters:
        ///   - path: of the socket's file.
        ///   - mode: its permissions; nil: the process's umask decides.
        ///   - group: its group's name or number; nil: the process's.
        case unix(path: String, mode: UInt32? = nil, group: String? = nil)
        /// Listening sockets of ``SocketActivation``.
        case inherited([Int32])
    }

    package var endpoint: Endpoint
    package var loops = 1
    package var maximumConnections = 1024
    /// Connections beyond the limit that are still served, so that a probe gets through: `head.isOverLimit`.
    package var reserveConnections = 16
    /// Bytes of request bodies and responses held at once; beyond, bodies are refused, and what is finished is sent.
    package var maximumInflightBytes = 512 << 20
    /// The part of ``maximumInflightBytes`` that responses waiting on one HTTP/2 connection may take.
    package var maximumConnectionBytes: Int { maximumInflightBytes / 8 }
    package var http1 = HTTP1Limits()
    package var http2 = HTTP2Limits()
    package var headerTimeout = Duration.seconds(10)
    package var bodyTimeout = Duration.seconds(20)
    /// Bytes per second: a slower body is given up once `bodyTimeout` is over, a slower reader after `writeTimeout`.
    package var minimumRate = 256 << 10
    package var idleTimeout = Duration.seconds(30)
    package var writeTimeout = Duration.seconds(30)
    package var lingerTimeout = Duration.seconds(2)
    /// Bytes of a refused body that are dropped before the connection is closed.
    ///
    /// Twice the largest body, so that a client that reads only after it has sent everything still gets its
    /// refusal. Dropping costs next to nothing, and a client slower than `minimumRate` has `lingerTimeout` only.
    package var lingerBytes = 128 << 20

    package init(endpoint: Endpoint) {
        self.endpoint = endpoint
    }
}

/// Why the server does not listen.
package enum SocketServerError: Error, Equatable {
    case invalidAddress(host: String)
    case pathTooLong(path: String, limit: Int)
    case cannotListen(address: String, errno: Int32)
    /// A process listens on this Unix socket.
    case socketInUse(path: String)
    /// Another kind of file is where the Unix socket should be.
    case notASocket(path: String)
    case unknownGroup(name: String)
    /// An inherited descriptor that is not a listening TCP or Unix socket.
    case unusableDescriptor(Int32)
    case systemCall(name: String, errno: Int32)
}
