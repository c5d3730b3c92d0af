// SPDX-License-Identifier: Apache-2.0

/// Mean energy of each DCT coefficient over the channels, lowest frequency first.
///
/// - Parameters:
///   - coefficients: `[channels, height, width]`.
///   - channels: how many there are.
///   - order: the order of the result.
/// - Returns: one energy a coefficient.
/// - Source: docs/model.md, "Energy spectrum".
package func coefficientEnergies(
    _ coefficients: UnsafePointer<Float>,
    channels: Int,
    order: CoefficientOrder
) -> [Double] {
    let area = order.indices.count
    var sums = [Double](repeating: 0, count: area)
    for channel in 0..<channels {
        let plane = coefficients + channel * area
        for (position, index) in order.indices.enumerated() {
            let value = Double(plane[index])
            sums[position] += value * value
        }
    }
    return sums.map { $0 / Double(max(channels, 1)) }
}

/// One band of a spectrum.
package struct EnergyBand: Sendable, Equatable {
    /// The coefficients in it, counted along the order.
    package let coefficients: Range<Int>
    package let energy: Double
    /// Share of the total, 0...1; 0 where the total is 0.
    package let fraction: Double
}

/// Cuts a spectrum into runs as evenly as numpy's `array_split`: the first ones are one longer.
///
/// - Throws: `BandError.bandCountOutOfRange` unless `count` is 1...energies.count.
package func energyBands(_ energies: [Double], count: Int) throws(BandError) -> [EnergyBand] {
    guard count >= 1, count <= energies.count else {
        throw .bandCountOutOfRange(count: count, limit: energies.count)
    }
    let (size, longer) = energies.count.quotientAndRemainder(dividingBy: count)
    let total = energies.reduce(0, +)
    var start = 0
    return (0..<count).map { band in
        let range = start..<start + size + (band < longer ? 1 : 0)
        start = range.upperBound
        let energy = energies[range].reduce(0, +)
        return EnergyBand(coefficients: range, energy: energy, fraction: total > 0 ? energy / total : 0)
    }
}
