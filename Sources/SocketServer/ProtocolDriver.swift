// SPDX-License-Identifier: Apache-2.0

import HTTPWire

/// What a connection speaks: turns octets into requests and answers into octets.
///
/// Called by its ``Connection`` only, while that is open.
protocol ProtocolDriver: AnyObject {
    /// Whether octets from the client would be of use now.
    var wantsInput: Bool { get }

    /// Octets have come.
    func take(_ octets: UnsafeRawBufferPointer)

    /// The handler's answer.
    func answer(exchange: UInt64, _ response: Response)

    /// Goes on as far as it can without waiting.
    ///
    /// - Returns: whether there may be more to send now, or to do once it is sent.
    func advance() -> Bool

    /// The socket took some octets and no more for now.
    func madeProgress()

    func checkDeadline(_ now: ContinuousClock.Instant)

    /// The server ends: so does the connection, as soon as nothing is under way.
    func drain()

    /// The connection is lost: cancels what is under way, and reports it.
    func connectionLost()
}
