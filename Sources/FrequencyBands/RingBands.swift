// SPDX-License-Identifier: Apache-2.0

/// The radii that bound the FFT bands of the paper's first edition.
///
/// - Source: docs/model.md, "First edition".
package enum RingSchedule {
    /// The K + 1 radii, the first 0, of a schedule of K members; all arithmetic in fp32, as in the authors' code.
    ///
    /// A schedule of several members that does not decrease is scaled so that its last member is the largest whole
    /// circle, min(height, width) / 2; any other schedule gives the widths of the rings.
    ///
    /// - Parameters:
    /// - Returns: K + 1 radii, in cells of the spectrum.
    package static func radii(_ schedule: [Float], height: Int, width: Int) -> [Float] {
        let limit = Float(min(height / 2, width / 2))
        let ascends = zip(schedule, schedule.dropFirst()).allSatisfy { $0 <= $1 }
        if schedule.count > 1, ascends {
            let last = max(schedule[schedule.count - 1], 1e-6)
            return [0] + schedule.map { $0 / last * limit }
        }
        let widths = schedule.map { max($0, 0) }
        let total = widths.reduce(0, +)
        guard total > 0 else {
            return (0...schedule.count).map { limit * Float($0) / Float(schedule.count) }
        }
        var sum: Float = 0
        return [0]
            + widths.map { width in
                sum += width
                return limit * sum / total
            }
    }
}

/// Divides a grid into rings of its spectrum: band k holds the cells with r_k < radius <= r_(k+1), band 0 the centre
/// too.
///
/// Cells beyond the last radius (the corners) belong to no band. The authors project each band out of the residual of
/// the earlier bands, with rings that include both edges, so a shared edge belongs to the first band. These half-open
/// rings give the same with one transform.
package struct RingBands: Sendable {
    /// K + 1 radii in cells.
    package let radii: [Float]
    package var bandCount: Int { radii.count - 1 }
    private let transform: FFT2D
    /// `[height, spectrumWidth]`: the band of each cell of the half spectrum; -1 for none.
    private let bands: [Int16]

    /// - Parameters:
    package init(transform: FFT2D, radii: [Float]) {
        precondition(radii.count > 1)
        self.transform = transform
        self.radii = radii
        bands = transform.spectrumRadii.map { radius in
            Int16(RingBands.band(of: radius, radii) ?? -1)
        }
    }

    /// The band of a cell at a distance from the centre; nil for none.
    package static func band(of radius: Float, _ radii: [Float]) -> Int? {
        (0..<radii.count - 1).first { band in
            (radius > radii[band] || band == 0) && radius <= radii[band + 1]
        }
    }

    /// Floats of working memory that `split` needs.
    package var scratchCount: Int { 2 * 2 * bands.count }

    /// The bands of each channel.
    ///
    /// - Parameters:
    package func split(
        _ grid: UnsafePointer<Float>,
        channels: Int,
        into out: UnsafeMutablePointer<Float>,
        stride: Int,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let area = transform.height * transform.width
        let normalisation = 1 / Float(area)
        let masked = scratch + 2 * bands.count
        for channel in 0..<channels {
            transform.forward(grid + channel * area, into: scratch)
            for band in 0..<bandCount {
                for cell in bands.indices {
                    let factor = bands[cell] == Int16(band) ? normalisation : 0
                    masked[2 * cell] = scratch[2 * cell] * factor
                    masked[2 * cell + 1] = scratch[2 * cell + 1] * factor
                }
                transform.inverse(masked, into: out + band * stride + channel * area)
            }
        }
    }
}

/// Energy of a map in `bandCount` rings of equal width; the last one includes the corners.
///
/// Each is the sum over the ring of |F|² / (height * width), mean over the channels, so that the bands add up to the
/// map's energy per channel (Parseval).
///
/// - Parameters:
/// - Returns: K energies; ring k reaches from k/K to (k + 1)/K of an axis' Nyquist frequency.
package func ringEnergies(
    _ grid: UnsafePointer<Float>,
    channels: Int,
    bandCount: Int,
    transform: FFT2D
) -> [Double] {
    let (height, width, columns) = (transform.height, transform.width, transform.spectrumWidth)
    var power = [Double](repeating: 0, count: height * columns)
    for channel in 0..<channels { transform.addPower(of: grid + channel * height * width, to: &power) }
    let radii = RingSchedule.radii(
        (1...bandCount).map { Float($0) },
        height: height,
        width: width
    )
    var energies = [Double](repeating: 0, count: bandCount)
    for (cell, radius) in transform.spectrumRadii.enumerated() {
        // The half spectrum omits the mirror image of every column but the first and, if the width is even, the last.
        let column = cell % columns
        let isMirrored = column > 0 && (width % 2 == 1 || column < columns - 1)
        let share = (isMirrored ? 2 : 1) / Double(height * width * max(channels, 1))
        energies[RingBands.band(of: radius, radii) ?? bandCount - 1] += power[cell] * share
    }
    return energies
}
