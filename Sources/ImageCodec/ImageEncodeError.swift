// SPDX-License-Identifier: Apache-2.0

/// Why a picture cannot be written.
package enum ImageEncodeError: Error, Equatable {
    case qualityOutOfRange(quality: Int, allowed: ClosedRange<Int>)
    /// A side longer than the format's header can state.
    case sideTooLong(width: Int, height: Int, limit: Int)
}
