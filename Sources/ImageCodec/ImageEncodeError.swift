// SPDX-License-Identifier: Apache-2.0

/// Why an image cannot be encoded.
package enum ImageEncodeError: Error, Equatable {
    case qualityOutOfRange(quality: Int, allowed: ClosedRange<Int>)
    /// A side longer than the format's header can state.
    case sideTooLong(width: Int, height: Int, limit: Int)
}
