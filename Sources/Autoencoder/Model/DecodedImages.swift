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
        let plane = side * side
        return [Float](unsafeUninitializedCapacity: 3 * plane) { values, count in
            forEachValue(of: image) { y, x, colour, value in
                values[colour * plane + y * side + x] = value
            }
            count = 3 * plane
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
