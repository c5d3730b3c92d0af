// SPDX-License-Identifier: Apache-2.0

import CFFTW

/// The orthonormal two-dimensional DCT-II of one grid size, and its inverse.
package final class DCT2D: Sendable {
    package let height: Int
    package let width: Int
    // A plan is immutable once made, and FFTW's new-array execution only reads it.
    nonisolated(unsafe) private let forwardPlan: OpaquePointer
    nonisolated(unsafe) private let inversePlan: OpaquePointer
    /// `[height, width]`: the factors that make FFTW's unnormalised `REDFT10` and `REDFT01` orthonormal.
    private let forwardScale: [Float]
    private let inverseScale: [Float]

    /// - Precondition: both sides are positive.
    package init(height: Int, width: Int) {
        precondition(height > 0 && width > 0)
        self.height = height
        self.width = width
        let plane = UnsafeMutablePointer<Float>.allocate(capacity: height * width)
        defer { plane.deallocate() }
        let (rows, columns) = (Int32(height), Int32(width))
        forwardPlan = FFTWPlanner.plan {
            fftwf_plan_r2r_2d(rows, columns, plane, plane, FFTW_REDFT10, FFTW_REDFT10, FFTWPlanner.flags)
        }
        inversePlan = FFTWPlanner.plan {
            fftwf_plan_r2r_2d(rows, columns, plane, plane, FFTW_REDFT01, FFTW_REDFT01, FFTWPlanner.flags)
        }
        forwardScale = Self.factors(height, width, first: 4)
        inverseScale = Self.factors(height, width, first: 1)
    }

    deinit {
        FFTWPlanner.destroy(forwardPlan)
        FFTWPlanner.destroy(inversePlan)
    }

    /// √(1/(first n)) at index 0 of an axis of length n and √(1/2n) elsewhere, multiplied over both axes.
    private static func factors(_ height: Int, _ width: Int, first: Double) -> [Float] {
        func axis(_ length: Int) -> [Double] {
            (0..<length).map { (1 / (($0 == 0 ? first : 2) * Double(length))).squareRoot() }
        }
        let columns = axis(width)
        return axis(height).flatMap { row in columns.map { Float(row * $0) } }
    }

    /// Orthonormal DCT-II of each channel.
    ///
    /// - Shape: `[channels, height, width]` in and out, row-major; `out` may be `grid`.
    /// - Scaling: FFTW's `REDFT10` is unnormalised; each axis is multiplied by √(1/4n) at k = 0 and √(1/2n) elsewhere.
    package func forward(_ grid: UnsafePointer<Float>, channels: Int, into out: UnsafeMutablePointer<Float>) {
        let area = height * width
        for channel in 0..<channels {
            let plane = out + channel * area
            let source = grid + channel * area
            if source != UnsafePointer(plane) { plane.update(from: source, count: area) }
            fftwf_execute_r2r(forwardPlan, plane, plane)
            for index in 0..<area { plane[index] *= forwardScale[index] }
        }
    }

    /// Inverse of ``forward(_:channels:into:)``: its transpose, an orthonormal DCT-III.
    ///
    /// - Scaling: `REDFT01` counts every coefficient but the first of an axis twice, so those factors are √(1/2n)
    ///   rather than √(2/n); the first's is √(1/n).
    package func inverse(_ grid: UnsafePointer<Float>, channels: Int, into out: UnsafeMutablePointer<Float>) {
        let area = height * width
        for channel in 0..<channels {
            let plane = out + channel * area
            let source = grid + channel * area
            for index in 0..<area { plane[index] = source[index] * inverseScale[index] }
            fftwf_execute_r2r(inversePlan, plane, plane)
        }
    }
}
