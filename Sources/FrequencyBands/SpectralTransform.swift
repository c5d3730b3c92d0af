// SPDX-License-Identifier: Apache-2.0

import CFFTW
import Synchronization

/// FFTW's planner is not thread-safe; executing a plan is.
private let plannerLock = Mutex(())

/// Orthonormal two-dimensional transforms of one grid size.
///
/// Plans are estimated, not measured, so that two runs of the server give the same bits. They accept any alignment, so
/// that callers' buffers need no copy.
package final class SpectralTransform: Sendable {
    package let height: Int
    package let width: Int
    // A plan is immutable once made, and FFTW's new-array execution only reads it.
    nonisolated(unsafe) private let forward: OpaquePointer
    nonisolated(unsafe) private let inverse: OpaquePointer
    nonisolated(unsafe) private let realToComplex: OpaquePointer
    nonisolated(unsafe) private let complexToReal: OpaquePointer
    /// `[height, width]`: the factors that make FFTW's unnormalised `REDFT10` and `REDFT01` orthonormal.
    private let forwardScale: [Float]
    private let inverseScale: [Float]

    /// - Precondition: both sides are positive.
    package init(height: Int, width: Int) {
        precondition(height > 0 && width > 0)
        self.height = height
        self.width = width
        let area = height * width
        let real = UnsafeMutablePointer<Float>.allocate(capacity: area)
        let complex = UnsafeMutablePointer<fftwf_complex>.allocate(capacity: height * (width / 2 + 1))
        defer {
            real.deallocate()
            complex.deallocate()
        }
        let flags = UInt32(FFTW_ESTIMATE) | UInt32(FFTW_UNALIGNED)
        let (rows, columns) = (Int32(height), Int32(width))
        // Written under the lock and read afterwards, only by this thread.
        nonisolated(unsafe) var plans: [fftwf_plan?] = []
        plannerLock.withLock { _ in
            plans = [
                fftwf_plan_r2r_2d(rows, columns, real, real, FFTW_REDFT10, FFTW_REDFT10, flags),
                fftwf_plan_r2r_2d(rows, columns, real, real, FFTW_REDFT01, FFTW_REDFT01, flags),
                fftwf_plan_dft_r2c_2d(rows, columns, real, complex, flags | UInt32(FFTW_PRESERVE_INPUT)),
                // A two-dimensional complex-to-real transform cannot preserve its input.
                fftwf_plan_dft_c2r_2d(rows, columns, complex, real, flags),
            ]
        }
        let made = plans.compactMap(\.self)
        precondition(made.count == 4, "FFTW has no plan for this size")
        (forward, inverse, realToComplex, complexToReal) = (made[0], made[1], made[2], made[3])
        forwardScale = Self.factors(height, width, first: 4)
        inverseScale = Self.factors(height, width, first: 1)
    }

    /// √(1/(first n)) at index 0 of an axis of length n and √(1/2n) elsewhere, multiplied over both axes.
    private static func factors(_ height: Int, _ width: Int, first: Double) -> [Float] {
        func axis(_ length: Int) -> [Double] {
            (0..<length).map { (1 / (($0 == 0 ? first : 2) * Double(length))).squareRoot() }
        }
        let columns = axis(width)
        return axis(height).flatMap { row in columns.map { Float(row * $0) } }
    }

    deinit {
        plannerLock.withLock { _ in
            for plan in [forward, inverse, realToComplex, complexToReal] { fftwf_destroy_plan(plan) }
        }
    }

    /// Orthonormal DCT-II of each channel.
    ///
    /// - Shape: `[channels, height, width]` in and out, row-major; in place is fine.
    /// - Scaling: FFTW's `REDFT10` is unnormalised; each axis is multiplied by √(1/4n) at k = 0 and √(1/2n) elsewhere.
    package func dct2D(_ grid: UnsafePointer<Float>, channels: Int, into out: UnsafeMutablePointer<Float>) {
        let area = height * width
        for channel in 0..<channels {
            let plane = out + channel * area
            let source = grid + channel * area
            if source != UnsafePointer(plane) { plane.update(from: source, count: area) }
            fftwf_execute_r2r(forward, plane, plane)
            for index in 0..<area { plane[index] *= forwardScale[index] }
        }
    }

    /// Inverse of ``dct2D(_:channels:into:)``: its transpose, an orthonormal DCT-III.
    ///
    /// - Scaling: `REDFT01` counts every coefficient but the first of an axis twice, so those factors are √(1/2n)
    ///   rather than √(2/n); the first's is √(1/n).
    package func inverseDCT2D(_ grid: UnsafePointer<Float>, channels: Int, into out: UnsafeMutablePointer<Float>) {
        let area = height * width
        for channel in 0..<channels {
            let plane = out + channel * area
            let source = grid + channel * area
            for index in 0..<area { plane[index] = source[index] * inverseScale[index] }
            fftwf_execute_r2r(inverse, plane, plane)
        }
    }

    /// Columns of the half spectrum that `rfft2` keeps.
    package var spectrumWidth: Int { width / 2 + 1 }

    /// Distance of each cell of the half spectrum from the constant one, in cells, `[height, spectrumWidth]`.
    package var spectrumRadii: [Float] {
        (0..<height).flatMap { row in
            let y = Float(row < (height + 1) / 2 ? row : row - height)
            return (0..<spectrumWidth).map { column in
                let x = Float(column)
                return (y * y + x * x).squareRoot()
            }
        }
    }

    /// The unscaled Fourier transform of one plane, without its redundant half.
    ///
    /// - Parameters:
    ///   - plane: `[height, width]`.
    ///   - spectrum: `[height, spectrumWidth, 2]`, real and imaginary parts.
    package func fft2D(_ plane: UnsafePointer<Float>, into spectrum: UnsafeMutablePointer<Float>) {
        spectrum.withMemoryRebound(to: fftwf_complex.self, capacity: height * spectrumWidth) { spectrum in
            // The plan preserves its input, although FFTW's signature is not const.
            fftwf_execute_dft_r2c(realToComplex, UnsafeMutablePointer(mutating: plane), spectrum)
        }
    }

    /// The unscaled inverse of ``fft2D(_:into:)``, height * width times the plane; the spectrum's numbers are lost.
    package func inverseFFT2D(_ spectrum: UnsafeMutablePointer<Float>, into plane: UnsafeMutablePointer<Float>) {
        spectrum.withMemoryRebound(to: fftwf_complex.self, capacity: height * spectrumWidth) { spectrum in
            fftwf_execute_dft_c2r(complexToReal, spectrum, plane)
        }
    }

    /// Adds |rfft2(plane)|² to `power`, `[height, spectrumWidth]`, unscaled.
    package func addPower(of plane: UnsafePointer<Float>, to power: inout [Double]) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * power.count) { spectrum in
            guard let start = spectrum.baseAddress else { return }
            fft2D(plane, into: start)
            for index in power.indices {
                let (real, imaginary) = (Double(start[2 * index]), Double(start[2 * index + 1]))
                power[index] += real * real + imaginary * imaginary
            }
        }
    }
}
