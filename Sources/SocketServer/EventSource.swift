// SPDX-License-Identifier: Apache-2.0

/// What an event loop needs from the system: readiness of descriptors, time, and work handed over by other threads.
///
/// Its calls run one at a time. ``DispatchEvents`` serves the product; tests have their own, which decides what is
/// ready and what time it is.
package protocol EventSource: AnyObject, Sendable {
    /// The time that deadlines are compared with.
    var now: ContinuousClock.Instant { get }

    /// Runs `body` on the loop, after the call that is running; may be called from any thread.
    func post(_ body: @escaping @Sendable () -> Void)

    /// Watches a descriptor for reading from now on.
    ///
    /// - Parameters:
    ///   - descriptor: owned by the watch, which closes it.
    ///   - handler: kept until the watch is cancelled.
    /// - Returns: the watch, which lasts until it is cancelled.
    func watch(_ descriptor: Int32, handler: any DescriptorHandler) -> any DescriptorWatch

    /// Calls `fire` on the loop at `instant`, in place of the call requested before.
    func setTimer(_ instant: ContinuousClock.Instant, fire: @escaping () -> Void)
}

/// A descriptor under watch; belongs to its loop.
package protocol DescriptorWatch: AnyObject {
    /// Selects what the handler is called for, besides hang-ups.
    func setInterest(reading: Bool, writing: Bool)

    /// Ends the watch: the handler is not called any more, and is released.
    ///
    /// - Parameter closed: called on the loop, later, once the descriptor is closed.
    func cancel(closed: @escaping () -> Void)
}

/// Handles the readiness of a descriptor.
package protocol DescriptorHandler: AnyObject {
    /// Reads or writes what it can; a call without need does no harm.
    func handle(_ readiness: Readiness)
}

/// What a descriptor is ready for.
package struct Readiness: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// There are bytes to read, or the end.
    package static let readable = Readiness(rawValue: 1)
    package static let writable = Readiness(rawValue: 2)
    /// The connection is gone in both directions: reset, or closed by both sides.
    package static let hungUp = Readiness(rawValue: 4)
}
