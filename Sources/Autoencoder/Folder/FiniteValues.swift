// SPDX-License-Identifier: Apache-2.0

/// The first value that is NaN or whose magnitude exceeds `largest`; nil: none.
///
/// Compares bit patterns, whose order is that of the magnitudes with NaN above all, so that the compiler can use vectors:
/// gigabytes of weights are checked in tenths of a second.
func firstBeyond(_ largest: Float, in values: UnsafeBufferPointer<Float>) -> Int? {
    let limit = largest.bitPattern
    let block = 4096
    var start = 0
    while start < values.count {
        let end = min(start + block, values.count)
        var highest: UInt32 = 0
        for index in start..<end { highest = max(highest, values[index].bitPattern & 0x7FFF_FFFF) }
        if highest > limit {
            return (start..<end).first { values[$0].bitPattern & 0x7FFF_FFFF > limit }
        }
        start = end
    }
    return nil
}
