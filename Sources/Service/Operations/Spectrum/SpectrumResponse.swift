// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands
import HTTPTypes
import HTTPWire

/// The response of `/spectrum`: the share of energy in each frequency band.
struct SpectrumResponse {
    let spectrum: Spectrum
    let model: ModelIdentity

    private var gridSide: Int { spectrum.model.configuration.gridSide }

    /// The radii of a first-edition model's bands, where those are shown.
    private var ownRadii: [Float]? { spectrum.modelBands?.radii(gridSide: gridSide) }

    func response(_ outcomes: [ItemOutcome], form: Spectrum.Form) throws(Problem) -> Response {
        var items: [JSONValue] = []
        var energies: [[Double]] = []
        for outcome in outcomes {
            switch outcome.result {
            case .failure(let problem): items.append(ItemOutcome.json(id: outcome.id, problem: problem))
            case .success(let output):
                guard let own = output.results.first?.energies else {
                    throw Problem(.internalError, "The engine gave no energies.")
                }
                energies.append(own)
                items.append(.object([("id", .string(outcome.id))] + (try members(own))))
            }
        }
        var fields: HTTPFields = [:]
        fields[.contentType] = form.mediaType
        fields[.uaeModel] = model.header
        // Over several items: the mean of the energies first, then the bands.
        let mean = (energies.first ?? []).indices.map { index in
            energies.reduce(0) { $0 + $1[index] } / Double(energies.count)
        }
        if form == .svg {
            let plot = SpectrumPlot(
                bands: try bands(mean),
                title: "\(model.name): energy of \(spectrum.source.rawValue)"
            )
            return Response(status: 200, fields: fields, body: Array(plot.svg.utf8))
        }
        var document: [(String, JSONValue)] = [
            ("model", .string(model.header)),
            ("of", .string(spectrum.source.rawValue)),
            ("transform", .string(spectrum.transform.rawValue)),
            (
                "order",
                .string(spectrum.transform == .dct ? spectrum.cut.model.order.rawValue : FrequencyOrder.radial.rawValue)
            ),
            ("items", .array(items)),
        ]
        if energies.count > 1 { document.append(("mean", .object(try members(mean)))) }
        return Response(status: 200, fields: fields, body: JSONValue.object(document).text)
    }

    private func bands(_ energies: [Double]) throws(Problem) -> [EnergyBand] {
        do {
            // Rings come from the engine as they are; DCT coefficients are divided here.
            let count = spectrum.transform == .fft ? energies.count : spectrum.bandCount
            return try energyBands(energies, count: min(count, energies.count))
        } catch {
            throw error.problem
        }
    }

    private func members(_ energies: [Double]) throws(Problem) -> [(String, JSONValue)] {
        let bands = try bands(energies).enumerated().map { index, band -> JSONValue in
            var members: [(String, JSONValue)] = [("index", .integer(index))]
            // First and last coefficient; FFT bands are shares of the radius instead.
            if spectrum.transform == .dct {
                members.append(
                    (
                        "coefficients",
                        [.integer(band.coefficients.lowerBound), .integer(band.coefficients.upperBound - 1)]
                    )
                )
            } else {
                members.append(("radius", radius(index, of: energies.count)))
            }
            return .object(members + [("energy", .number(band.energy)), ("fraction", .number(band.fraction))])
        }
        return [("total_energy", .number(energies.reduce(0, +))), ("bands", .array(bands))]
    }

    /// Lower and upper edge of a ring, 1 at an axis' Nyquist frequency.
    private func radius(_ index: Int, of count: Int) -> JSONValue {
        if let ownRadii {
            let nyquist = Double(gridSide) / 2
            return [.number(Double(ownRadii[index]) / nyquist), .number(Double(ownRadii[index + 1]) / nyquist)]
        }
        return [.number(Double(index) / Double(count)), .number(Double(index + 1) / Double(count))]
    }
}
