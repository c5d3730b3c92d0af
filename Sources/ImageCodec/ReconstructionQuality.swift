// SPDX-License-Identifier: Apache-2.0

import Foundation

/// How close two pictures of one size are.
package struct ReconstructionQuality: Sendable, Equatable {
    /// Peak signal-to-noise ratio in dB over 8-bit values; infinite for equal pictures.
    package let psnr: Double
    /// Structural similarity, -1...1: 11 x 11 Gaussian of sigma 1.5, k1 0.01, k2 0.03, range 1, mean over channels.
    package let ssim: Double
}

/// - Source: model.md section 8; SSIM as torchmetrics computes it, its reflected border cut off again.
/// - Precondition: both pictures have the same size.
package func reconstructionQuality(_ a: RGBImage, _ b: RGBImage) -> ReconstructionQuality {
    precondition(a.width == b.width && a.height == b.height)
    var squares = 0
    for index in a.pixels.indices {
        let difference = Int(a.pixels[index]) - Int(b.pixels[index])
        squares += difference * difference
    }
    let meanSquare = Double(squares) / Double(a.pixels.count) / (255 * 255)
    let psnr = squares == 0 ? Double.infinity : -10 * log10(meanSquare)
    let similarities = (0..<3).map { structuralSimilarity(a, b, channel: $0) }
    return ReconstructionQuality(psnr: psnr, ssim: similarities.reduce(0, +) / 3)
}

private let gaussian: [Float] = {
    let raw = (-5...5).map { exp(-Double($0 * $0) / (2 * 1.5 * 1.5)) }
    let sum = raw.reduce(0, +)
    return raw.map { Float($0 / sum) }
}()

private func structuralSimilarity(_ a: RGBImage, _ b: RGBImage, channel: Int) -> Double {
    let (width, height) = (a.width, a.height)
    // torchmetrics pads by reflection and crops the padded border again, so that only whole windows count.
    guard width >= 11, height >= 11 else { return a == b ? 1 : .nan }
    let x = (0..<width * height).map { Float(a.pixels[3 * $0 + channel]) / 255 }
    let y = (0..<width * height).map { Float(b.pixels[3 * $0 + channel]) / 255 }
    let meanX = blurred(x, width, height)
    let meanY = blurred(y, width, height)
    let squareX = blurred(zip(x, x).map { $0 * $1 }, width, height)
    let squareY = blurred(zip(y, y).map { $0 * $1 }, width, height)
    let product = blurred(zip(x, y).map { $0 * $1 }, width, height)
    let (c1, c2): (Float, Float) = (0.01 * 0.01, 0.03 * 0.03)
    var sum = 0.0
    for index in meanX.indices {
        let (mx, my) = (meanX[index], meanY[index])
        let varianceX = max(squareX[index] - mx * mx, 0)
        let varianceY = max(squareY[index] - my * my, 0)
        let covariance = product[index] - mx * my
        let numerator = (2 * mx * my + c1) * (2 * covariance + c2)
        sum += Double(numerator / ((mx * mx + my * my + c1) * (varianceX + varianceY + c2)))
    }
    return sum / Double(meanX.count)
}

/// Separable Gaussian over whole windows only: `[height - 10, width - 10]`.
private func blurred(_ plane: [Float], _ width: Int, _ height: Int) -> [Float] {
    let (newWidth, newHeight) = (width - 10, height - 10)
    var rows = [Float](repeating: 0, count: height * newWidth)
    var out = [Float](repeating: 0, count: newHeight * newWidth)
    plane.withUnsafeBufferPointer { plane in
        rows.withUnsafeMutableBufferPointer { rows in
            out.withUnsafeMutableBufferPointer { out in
                for (tap, weight) in gaussian.enumerated() {
                    for y in 0..<height {
                        for x in 0..<newWidth { rows[y * newWidth + x] += weight * plane[y * width + x + tap] }
                    }
                }
                for (tap, weight) in gaussian.enumerated() {
                    for y in 0..<newHeight {
                        for x in 0..<newWidth { out[y * newWidth + x] += weight * rows[(y + tap) * newWidth + x] }
                    }
                }
            }
        }
    }
    return out
}
