// SPDX-License-Identifier: Apache-2.0

/// The output of a decoder, still in the workspace.
struct DecodedImages {
    /// `[images, gridSide², patchSide, patchSide, 3]`.
    let values: UnsafePointer<Float>
    let gridSide: Int
    let patchSide: Int
    let scale: ImageScale

    /// Side of an image in pixels.
    var side: Int { gridSide * patchSide }

    /// One image as `[3, side, side]`, neither clamped nor rounded.
    func reconstruction(_ image: Int) -> [Float] {
        [Float](unsafeUninitializedCapacity: 3 * side * side) { values, count in
            if let start = values.baseAddress { copyReconstruction(image, into: start) }
            count = 3 * side * side
        }
    }

    /// The same into memory of `3 * side * side` floats.
    func copyReconstruction(_ image: Int, into values: UnsafeMutablePointer<Float>) {
        let plane = side * side
        forEachValue(of: image) { y, x, colour, value in
            values[colour * plane + y * side + x] = value
        }
    }

    /// One image as `[side, side, 3]`, clamped to 0...1 and turned into bytes.
    ///
    /// - Returns: nil if a value is infinite or not a number.
    func bytes(_ image: Int, rounding: AutoencoderTask.Rounding) -> [UInt8]? {
        let count = 3 * side * side
        // Stays 0 as long as every value is finite; infinity times 0 is not a number.
        var poison: Float = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
            forEachValue(of: image) { y, x, colour, value in
                poison += value * 0
                // Written so that NaN becomes 0: the comparison with it is false.
                let clamped = value > 0 ? min(value, 1) : 0
                let scaled = clamped * 255
                bytes[(y * side + x) * 3 + colour] =
                    UInt8(rounding == .round ? scaled.rounded(.toNearestOrEven) : scaled.rounded(.down))
            }
            filled = count
        }
        return poison == 0 ? bytes : nil
    }

    /// What one image adds to another, as bytes around mid-grey: 128 plus 255 times the difference, clamped.
    ///
    /// The difference is rounded, or truncated towards zero, before 128 is added, so that nothing added is 128 with
    /// either rounding.
    ///
    /// - `base`: the other image, `[3, side, side]`.
    /// - Returns: `[side, side, 3]`; nil if a value is infinite or not a number.
    func contribution(
        _ image: Int,
        beyond base: UnsafePointer<Float>,
        rounding: AutoencoderTask.Rounding
    ) -> [UInt8]? {
        let plane = side * side
        var poison: Float = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: 3 * plane) { bytes, filled in
            forEachValue(of: image) { y, x, colour, value in
                let difference = value - base[colour * plane + y * side + x]
                poison += difference * 0
                // NaN becomes -1 here: `max` returns its first argument unless the second is larger.
                let scaled = min(max(-1, difference), 1) * 255
                let steps = rounding == .round ? scaled.rounded(.toNearestOrEven) : scaled.rounded(.towardZero)
                bytes[(y * side + x) * 3 + colour] = UInt8(min(max(steps + 128, 0), 255))
            }
            filled = 3 * plane
        }
        return poison == 0 ? bytes : nil
    }

    /// Calls `body` for each value of an image, not clamped, with its row, column and colour.
    @inline(__always)
    private func forEachValue(of image: Int, _ body: (_ y: Int, _ x: Int, _ colour: Int, _ value: Float) -> Void) {
        let first = values + image * 3 * side * side
        let (mean, deviation) = (scale.mean, scale.deviation)
        for y in 0..<side {
            for tokenColumn in 0..<gridSide {
                let token = y / patchSide * gridSide + tokenColumn
                let row = first + (token * patchSide + y % patchSide) * patchSide * 3
                for column in 0..<patchSide {
                    let x = tokenColumn * patchSide + column
                    body(y, x, 0, row[column * 3] * deviation.0 + mean.0)
                    body(y, x, 1, row[column * 3 + 1] * deviation.1 + mean.1)
                    body(y, x, 2, row[column * 3 + 2] * deviation.2 + mean.2)
                }
            }
        }
    }
}

/// From a decoder's values to an image in 0...1: value * deviation + mean for each colour.
struct ImageScale: Sendable {
    let mean: (Float, Float, Float)
    let deviation: (Float, Float, Float)

    init(_ configuration: DecoderConfiguration) {
        func three(_ numbers: [Double]) -> (Float, Float, Float) {
            (Float(numbers[0]), Float(numbers[1]), Float(numbers[2]))
        }
        mean = three(configuration.mean)
        deviation = three(configuration.deviation)
    }
}
