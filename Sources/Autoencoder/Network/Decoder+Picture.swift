// SPDX-License-Identifier: Apache-2.0

extension Decoder {
    /// The decoder's output `[3, side, side]`, neither clamped nor rounded.
    func reconstruction(of output: Output) -> [Float] {
        let plane = output.side * output.side
        return [Float](unsafeUninitializedCapacity: 3 * plane) { values, count in
            forEachValue(of: output) { y, x, colour, value in
                values[colour * plane + y * output.side + x] = value
            }
            count = 3 * plane
        }
    }

    /// The picture `[side, side, 3]`: clamped to 0...1, then bytes.
    ///
    /// - Returns: nil if a value is infinite or not a number.
    func picture(of output: Output, rounding: AutoencoderTask.Rounding) -> [UInt8]? {
        let count = 3 * output.side * output.side
        // Stays 0 as long as every value is finite; infinity times 0 is not a number.
        var poison: Float = 0
        let picture = [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
            forEachValue(of: output) { y, x, colour, value in
                poison += value * 0
                // Written so that NaN becomes 0: the comparison with it is false.
                let clamped = value > 0 ? min(value, 1) : 0
                let scaled = clamped * 255
                bytes[(y * output.side + x) * 3 + colour] =
                    UInt8(rounding == .round ? scaled.rounded(.toNearestOrEven) : scaled.rounded(.down))
            }
            filled = count
        }
        return poison == 0 ? picture : nil
    }
}
