// SPDX-License-Identifier: Apache-2.0

import FrequencyBands

/// The bands of one spectrum with their edges.
struct SpectrumBands {
    let bands: [EnergyBand]
    let totalEnergy: Double
    /// The edges of rings, 1 at an axis' Nyquist frequency; nil: the bands are runs of coefficients.
    let radii: [Double]?

    /// - Parameters:
    ///   - energies: of coefficients, or of rings.
    ///   - count: how many bands coefficients are divided into.
    ///   - radii: the edges of rings.
    /// - Throws: a `Problem` of kind `bad-parameter`.
    init(_ energies: [Double], count: Int, radii: [Double]?) throws(Problem) {
        self.radii = radii
        totalEnergy = energies.reduce(0, +)
        do {
            // Rings come from the engine as they are; coefficients are divided here.
            bands = try energyBands(energies, count: radii == nil ? min(count, energies.count) : energies.count)
        } catch {
            throw error.problem
        }
    }

    var members: [(String, JSONValue)] {
        let bands = bands.enumerated().map { index, band -> JSONValue in
            let edges: (String, JSONValue) =
                if let radii {
                    ("radius", [.number(radii[index]), .number(radii[index + 1])])
                } else {
                    // First and last coefficient.
                    (
                        "coefficients",
                        [.integer(band.coefficients.lowerBound), .integer(band.coefficients.upperBound - 1)]
                    )
                }
            return .object([
                ("index", .integer(index)), edges, ("energy", .number(band.energy)),
                ("fraction", .number(band.fraction)),
            ])
        }
        return [("total_energy", .number(totalEnergy)), ("bands", .array(bands))]
    }

    /// The bands as they are drawn.
    func series(_ name: String) -> SpectrumChart.Series {
        let edges: [String]
        let bandNames: [String]
        if let radii {
            edges = radii.map { decimalText($0, decimals: 3) }
            bandNames = zip(edges, edges.dropFirst()).map { "radius \($0)-\($1)" }
        } else {
            let end = bands.last?.coefficients.upperBound ?? 0
            edges = (bands.map(\.coefficients.lowerBound) + [end]).map { String($0) }
            bandNames = bands.map { band in
                let (first, last) = (band.coefficients.lowerBound, band.coefficients.upperBound - 1)
                return first == last ? "coefficient \(first)" : "coefficients \(first)-\(last)"
            }
        }
        return SpectrumChart.Series(
            name: name,
            fractions: bands.map(\.fraction),
            edges: edges,
            bandNames: bandNames
        )
    }
}
