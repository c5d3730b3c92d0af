// SPDX-License-Identifier: Apache-2.0

import CFFTW

/// The two-dimensional Fourier transform of real planes of one size, without the redundant half of the spectrum.
package final class FFT2D: Sendable {
    package let height: Int
    package let width: Int
    // A plan is immutable once made, and FFTW's new-array execution only reads it.
    nonisolated(unsafe) private let forwardPlan: OpaquePointer
    nonisolated(unsafe) private let inversePlan: OpaquePointer

    /// - Precondition: both sides are positive.
    package init(height: Int, width: Int) {
        precondition(height > 0 && width > 0)
        self.height = height
        self.width = width
        let real = UnsafeMutablePointer<Float>.allocate(capacity: height * width)
        let complex = UnsafeMutablePointer<fftwf_complex>.allocate(capacity: height * (width / 2 + 1))
        defer {
            real.deallocate()
            complex.deallocate()
        }
        let (rows, columns) = (Int32(height), Int32(width))
        forwardPlan = FFTWPlanner.plan {
            fftwf_plan_dft_r2c_2d(rows, columns, real, complex, FFTWPlanner.flags | UInt32(FFTW_PRESERVE_INPUT))
        }
        inversePlan = FFTWPlanner.plan {
            // A two-dimensional complex-to-real transform cannot preserve its input.
            fftwf_plan_dft_c2r_2d(rows, columns, complex, real, FFTWPlanner.flags)
        }
    }

    deinit {
        FFTWPlanner.destroy(forwardPlan)
        FFTWPlanner.destroy(inversePlan)
    }

    /// Columns of the half spectrum.
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

    /// The unscaled Fourier transform of one plane.
    ///
    /// - Parameters:
    ///   - plane: `[height, width]`.
    ///   - spectrum: `[height, spectrumWidth, 2]`, real and imaginary parts.
    package func forward(_ plane: UnsafePointer<Float>, into spectrum: UnsafeMutablePointer<Float>) {
        spectrum.withMemoryRebound(to: fftwf_complex.self, capacity: height * spectrumWidth) { spectrum in
            // The plan preserves its input, although FFTW's signature is not const.
            fftwf_execute_dft_r2c(forwardPlan, UnsafeMutablePointer(mutating: plane), spectrum)
        }
    }

    /// The unscaled inverse of ``forward(_:into:)``, height * width times the plane; overwrites the spectrum.
    package func inverse(_ spectrum: UnsafeMutablePointer<Float>, into plane: UnsafeMutablePointer<Float>) {
        spectrum.withMemoryRebound(to: fftwf_complex.self, capacity: height * spectrumWidth) { spectrum in
            fftwf_execute_dft_c2r(inversePlan, spectrum, plane)
        }
    }

    /// Adds |forward(plane)|² to `power`, `[height, spectrumWidth]`, unscaled.
    package func addPower(of plane: UnsafePointer<Float>, to power: inout [Double]) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * power.count) { spectrum in
            guard let start = spectrum.baseAddress else { return }
            forward(plane, into: start)
            for index in power.indices {
                let (real, imaginary) = (Double(start[2 * index]), Double(start[2 * index + 1]))
                power[index] += real * real + imaginary * imaginary
            }
        }
    }
}
