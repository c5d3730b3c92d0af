// SPDX-License-Identifier: Apache-2.0

/// The caller of a request, for fair sharing of the queue.
package enum Caller: Hashable, Sendable {
    /// No keys are asked for, so all requests are one caller's.
    case anyone
    case key(UInt64)
}
