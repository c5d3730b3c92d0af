// SPDX-License-Identifier: Apache-2.0

/// The work of decoding a file, in pixels, as far as its header tells: its pixels, and its bytes.
///
/// A file without a usable header is refused at the decoding, which costs little.
package func decodingCost(of bytes: UnsafeRawBufferPointer) -> Double {
    // A limit of no pixels ends the walk at the header of any format, with the size as the error.
    let limits = ImageLimits(maximumPixels: 0, maximumSide: .max)
    do throws(ImageDecodeError) {
        _ = try ImageStructure(bytes, limits: limits)
    } catch {
        if case .tooManyPixels(let width, let height, _) = error {
            return Double(width) * Double(height) + Double(bytes.count)
        }
    }
    return Double(bytes.count)
}
