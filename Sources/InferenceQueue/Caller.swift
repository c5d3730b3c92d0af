// SPDX-License-Identifier: Apache-2.0

/// Who a request is from, as far as fairness goes.
package enum Caller: Hashable, Sendable {
    /// No keys are asked for, so all requests are one caller's.
    case anyone
    case key(UInt64)
}
