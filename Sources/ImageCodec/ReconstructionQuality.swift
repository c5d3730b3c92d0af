// SPDX-License-Identifier: Apache-2.0

internal import CPixels
internal import Glibc

/// The quality of a reconstruction.
package struct ReconstructionQuality: Sendable, Equatable {
    /// Peak signal-to-noise ratio in dB, on 8-bit values over a range of 255; infinite for equal images.
    package let psnr: Double
    /// Structural similarity with torchmetrics' defaults: 11x11 Gaussian, sigma 1.5, k1 0.01, k2 0.03, the mean over
    /// all windows that are completely inside the image.
    package let ssim: Double
}

/// PSNR and SSIM of two images of the same size.
///
/// - Precondition: equal sizes, both sides at least 11 (SSIM's window).
package func reconstructionQuality(_ a: RGBImage, _ b: RGBImage) -> ReconstructionQuality {
    let (width, height) = (a.width, a.height)
    precondition(b.width == width && b.height == height, "images of one size are compared")
    precondition(width >= 11 && height >= 11, "SSIM needs 11 pixels a side")
    let scratchCount = cpixels_ssim_scratch_count(width)
    let scratch = UnsafeMutablePointer<Float>.allocate(capacity: scratchCount)
    defer { scratch.deallocate() }
    let squaredError = Double(cpixels_squared_error(a.pixels, b.pixels, a.pixels.count))
    let meanSquaredError = squaredError / Double(a.pixels.count)
    let sum = cpixels_ssim_sum(a.pixels, b.pixels, width, height, scratch)
    return ReconstructionQuality(
        psnr: squaredError == 0 ? .infinity : 10 * log10(255 * 255 / meanSquaredError),
        ssim: sum / Double(3 * (width - 10) * (height - 10))
    )
}
