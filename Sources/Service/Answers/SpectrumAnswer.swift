// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands
import HTTPTypes
import HTTPWire

/// The answer of `/spectrum`: the share of energy in each frequency band.
struct SpectrumAnswer {
    let model: ModelIdentity
    let parameters: RequestParameters
    let frequency: FrequencyConfiguration
    /// Side of the latent's grid.
    let gridSide: Int

    static let defaultBandCount = 10

    /// The radii of a first-edition model's bands, where those are what is answered.
    private var ownRadii: [Float]? {
        parameters.transform == .fft && parameters.source == .latent
            ? frequency.bands?.radii(gridSide: gridSide) : nil
    }

    func response(_ outcomes: [ItemOutcome], form: AnswerForm) throws(Problem) -> Response {
        var items: [JSONValue] = []
        var energies: [[Double]] = []
        for outcome in outcomes {
            switch outcome.result {
            case .failure(let problem): items.append(ItemOutcome.json(id: outcome.id, problem: problem))
            case .success(let answer):
                guard let own = answer.results.first?.energies else {
                    throw Problem(.internalError, "The engine gave no energies.")
                }
                energies.append(own)
                items.append(.object([("id", .string(outcome.id))] + (try members(own))))
            }
        }
        var fields: HTTPFields = [:]
        fields[.contentType] = form.mediaType
        fields[.uaeModel] = model.field
        // Over many pictures: the mean of the energies first, then the bands.
        let mean = (energies.first ?? []).indices.map { index in
            energies.reduce(0) { $0 + $1[index] } / Double(energies.count)
        }
        if form == .svg {
            let plot = SpectrumPlot(
                bands: try bands(mean),
                title: "\(model.name): energy of \(parameters.source.rawValue)"
            )
            return Response(status: 200, fields: fields, body: Array(plot.svg.utf8))
        }
        var document: [(String, JSONValue)] = [
            ("model", .string(model.field)),
            ("of", .string(parameters.source.rawValue)),
            ("transform", .string(parameters.transform.rawValue)),
            (
                "order",
                .string(parameters.transform == .dct ? frequency.order.rawValue : FrequencyOrder.radial.rawValue)
            ),
            ("items", .array(items)),
        ]
        if energies.count > 1 { document.append(("mean", .object(try members(mean)))) }
        return Response(status: 200, fields: fields, body: JSONValue.object(document).text)
    }

    private func bands(_ energies: [Double]) throws(Problem) -> [EnergyBand] {
        do {
            // Rings come from the engine as they are; DCT coefficients are divided here.
            let count = parameters.transform == .fft ? energies.count : parameters.bands ?? Self.defaultBandCount
            return try energyBands(energies, count: min(count, energies.count))
        } catch {
            throw error.problem
        }
    }

    private func members(_ energies: [Double]) throws(Problem) -> [(String, JSONValue)] {
        let bands = try bands(energies).enumerated().map { index, band -> JSONValue in
            var members: [(String, JSONValue)] = [("index", .integer(index))]
            // First and last coefficient; FFT bands are shares of the radius instead.
            if parameters.transform == .dct {
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
