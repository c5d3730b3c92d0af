// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Splits a grid into K bands of radial frequency that sum to it.
///
/// - Source: model.md section 6 (the paper's first edition). Radius 1 is an axis' Nyquist frequency.
package struct FFTBandProjector: Sendable {
    package let bandCount: Int
    private let transform: SpectralTransform
    /// K masks `[height, spectrumWidth]`, each 0...1, which sum to 1 everywhere.
    private let masks: [[Float]]

    /// - Parameters:
    ///   - transform: the grid's transforms.
    ///   - bandCount: K, 1...64.
    ///   - edges: K - 1 interior edges, ascending; nil: j/K.
    ///   - shoulder: half-width of the raised-cosine transition, 0...1.
    /// - Throws: `BandError.bandCountOutOfRange`, `.edgesNotAscending`, `.shoulderOutOfRange`.
    package init(
        transform: SpectralTransform,
        bandCount: Int,
        edges: [Double]? = nil,
        shoulder: Double = 0.05
    ) throws(BandError) {
        guard (1...64).contains(bandCount) else { throw .bandCountOutOfRange(count: bandCount, limit: 64) }
        let edges = edges ?? (1..<bandCount).map { Double($0) / Double(bandCount) }
        guard edges.count == bandCount - 1, zip(edges, edges.dropFirst()).allSatisfy({ $0 < $1 }),
            edges.allSatisfy({ $0.isFinite && $0 > 0 })
        else { throw .edgesNotAscending }
        guard (0...1).contains(shoulder) else { throw .shoulderOutOfRange(shoulder) }
        self.transform = transform
        self.bandCount = bandCount
        let radii = Self.radii(transform)
        let lowPasses = edges.map { edge in radii.map { Self.lowPass($0, edge: edge, shoulder: shoulder) } }
        let zeros = [Double](repeating: 0, count: radii.count)
        let ones = [Double](repeating: 1, count: radii.count)
        masks = zip([zeros] + lowPasses, lowPasses + [ones]).map { lower, upper in
            zip(lower, upper).map { Float($1 - $0) }
        }
    }

    /// Distance of each kept frequency from the constant one, `[height, spectrumWidth]`.
    private static func radii(_ transform: SpectralTransform) -> [Double] {
        (0..<transform.height).flatMap { row in
            let y = Double(row <= (transform.height - 1) / 2 ? row : row - transform.height) / Double(transform.height)
            return (0..<transform.spectrumWidth).map { column in
                let x = Double(column) / Double(transform.width)
                return (y * y + x * x).squareRoot() / 0.5
            }
        }
    }

    private static func lowPass(_ radius: Double, edge: Double, shoulder: Double) -> Double {
        if radius <= edge - shoulder { return 1 }
        if radius >= edge + shoulder { return 0 }
        return 0.5 * (1 + cos(.pi * (radius - edge + shoulder) / (2 * shoulder)))
    }

    /// The residual split flow: each band is projected out of what the bands below left, the last is what remains.
    ///
    /// - Parameters:
    ///   - grid: `[channels, height, width]`.
    ///   - channels: how many there are.
    ///   - out: `[bandCount, channels, height, width]`.
    package func split(_ grid: UnsafePointer<Float>, channels: Int, into out: UnsafeMutablePointer<Float>) {
        let area = transform.height * transform.width
        let bandSize = channels * area
        for channel in 0..<channels {
            // The residual lives where the last band ends up.
            let residual = out + (bandCount - 1) * bandSize + channel * area
            residual.update(from: grid + channel * area, count: area)
            for band in 0..<bandCount - 1 {
                let plane = out + band * bandSize + channel * area
                transform.filter(residual, mask: masks[band], into: plane)
                for index in 0..<area { residual[index] -= plane[index] }
            }
        }
    }

    /// Energy of each band: the sum over the whole spectrum of mask * |F|² / (height * width), mean over channels, so
    /// that the bands sum to the grid's energy per channel (Parseval).
    package func energies(_ grid: UnsafePointer<Float>, channels: Int) -> [Double] {
        let (height, width, columns) = (transform.height, transform.width, transform.spectrumWidth)
        var power = [Double](repeating: 0, count: height * columns)
        for channel in 0..<channels { transform.addPower(of: grid + channel * height * width, to: &power) }
        for index in power.indices {
            // The half spectrum leaves out the mirror image of every column but the first and, if even, the last.
            let column = index % columns
            let isMirrored = column > 0 && (width % 2 == 1 || column < columns - 1)
            power[index] *= (isMirrored ? 2 : 1) / Double(height * width * max(channels, 1))
        }
        return masks.map { mask in zip(mask, power).reduce(0) { $0 + Double($1.0) * $1.1 } }
    }
}
