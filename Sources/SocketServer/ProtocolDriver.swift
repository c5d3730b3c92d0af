// SPDX-License-Identifier: Apache-2.0

import HTTPWire

/// The protocol of a connection: turns bytes into requests and responses into bytes.
///
/// Called by its ``Connection`` only, while that is open.
protocol ProtocolDriver: AnyObject {
    /// Whether the driver can use input now.
    var wantsInput: Bool { get }

    /// When ``checkDeadline(_:)`` is due, as far as is known; nil: not before something else happens.
    var nextDeadline: ContinuousClock.Instant? { get }

    /// Bytes of responses in memory that the connection's output does not have yet.
    var heldBytes: Int { get }

    /// Takes bytes that were received.
    func take(_ bytes: UnsafeRawBufferPointer)

    /// Takes the handler's response.
    func respond(exchange: UInt64, _ response: Response)

    /// Continues as far as possible without waiting.
    ///
    /// - Returns: whether there may be more to send now, or to do once it is sent.
    func advance() -> Bool

    /// Ends what is past its deadline.
    func checkDeadline(_ now: ContinuousClock.Instant)

    /// The server shuts down: the connection ends as soon as no request is in progress.
    func drain()

    /// The connection is lost: cancels the requests in progress, and reports them.
    func connectionLost()
}

/// The earlier of two instants, either of which may be missing.
func earlier(_ first: ContinuousClock.Instant?, _ second: ContinuousClock.Instant?) -> ContinuousClock.Instant? {
    guard let first, let second else { return first ?? second }
    return min(first, second)
}
