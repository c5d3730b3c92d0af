// SPDX-License-Identifier: Apache-2.0

import HTTPWire

/// The protocol of a connection: turns bytes into requests and responses into bytes.
///
/// Called by its ``Connection`` only, while that is open.
protocol ProtocolDriver: AnyObject {
    /// Whether bytes from the client would be of use now.
    var wantsInput: Bool { get }

    /// When ``checkDeadline(_:)`` is due, as far as is known; nil: not before something else happens.
    var nextDeadline: ContinuousClock.Instant? { get }

    /// Takes bytes that have come.
    func take(_ bytes: UnsafeRawBufferPointer)

    /// Takes the handler's response.
    func respond(exchange: UInt64, _ response: Response)

    /// Continues as far as possible without waiting.
    ///
    /// - Returns: whether there may be more to send now, or to do once it is sent.
    func advance() -> Bool

    /// The socket took some bytes and no more for now.
    func madeProgress()

    /// Gives up what has taken too long.
    func checkDeadline(_ now: ContinuousClock.Instant)

    /// The server ends: so does the connection, as soon as nothing is under way.
    func drain()

    /// The connection is lost: cancels what is under way, and reports it.
    func connectionLost()
}

/// The earlier of two instants, either of which may be missing.
func earlier(_ first: ContinuousClock.Instant?, _ second: ContinuousClock.Instant?) -> ContinuousClock.Instant? {
    guard let first, let second else { return first ?? second }
    return min(first, second)
}
