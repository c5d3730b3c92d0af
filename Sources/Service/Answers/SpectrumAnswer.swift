// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands
import HTTPTypes
import HTTPWire

/// The answer of `/spectrum`: the share of energy in each frequency band.
struct SpectrumAnswer {
    let model: ModelIdentity
    let parameters: RequestParameters
    let order: FrequencyOrder

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
            ("order", .string(parameters.transform == .dct ? order.rawValue : FrequencyOrder.radial.rawValue)),
            ("items", .array(items)),
        ]
        if energies.count > 1 { document.append(("mean", .object(try members(mean)))) }
        return Response(status: 200, fields: fields, body: JSONValue.object(document).text)
    }

    private func bands(_ energies: [Double]) throws(Problem) -> [EnergyBand] {
        do {
            return try energyBands(energies, count: parameters.bands)
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
                let width = 1 / Double(parameters.bands)
                members.append(("radius", [.number(Double(index) * width), .number(Double(index + 1) * width)]))
            }
            return .object(members + [("energy", .number(band.energy)), ("fraction", .number(band.fraction))])
        }
        return [("total_energy", .number(energies.reduce(0, +))), ("bands", .array(bands))]
    }
}
