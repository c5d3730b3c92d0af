// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands
import HTTPTypes
import HTTPWire

/// The response of `/spectrum`: the share of energy in each frequency band.
struct SpectrumResponse {
    let spectrum: Spectrum
    let model: ModelIdentity

    private typealias Subject = Spectrum.Subject

    func response(_ outcomes: [ItemOutcome], form: Spectrum.Form) throws(Problem) -> Response {
        var fields: HTTPFields = [:]
        fields[.contentType] = form.mediaType
        fields[.uaeModel] = model.header
        if form == .svg {
            let chart = SpectrumChart(
                model: model.name,
                inputs: Self.inputs(outcomes),
                edgeUnit: edgeUnit,
                series: try spectrum.subjects.map { subject throws(Problem) in
                    try meanBands(of: subject, outcomes).series(subject.rawValue)
                }
            )
            return Response(status: 200, fields: fields, body: Array(chart.svg.utf8))
        }
        return Response(status: 200, fields: fields, body: try json(outcomes).text)
    }

    // MARK: Bands

    private func energies(of subject: Subject, _ output: ItemOutcome.Output) throws(Problem) -> [Double] {
        let result = output.results.first
        guard let energies = subject == .latent ? result?.energies : result?.imageEnergies else {
            throw Problem(.internalError, "The engine gave no energies.")
        }
        return energies
    }

    private func bands(_ energies: [Double], of subject: Subject) throws(Problem) -> SpectrumBands {
        try SpectrumBands(
            energies,
            count: spectrum.bandCount,
            radii: spectrum.transform == .fft ? radii(of: subject, count: energies.count) : nil
        )
    }

    /// The mean of the energies first, then the bands.
    private func meanBands(of subject: Subject, _ outcomes: [ItemOutcome]) throws(Problem) -> SpectrumBands {
        var sums: [Double] = []
        var count = 0.0
        for outcome in outcomes {
            guard case .success(let output) = outcome.result else { continue }
            let own = try energies(of: subject, output)
            sums = sums.isEmpty ? own : zip(sums, own).map { $0 + $1 }
            count += 1
        }
        return try bands(sums.map { $0 / count }, of: subject)
    }

    /// The edges of rings, 1 at an axis' Nyquist frequency.
    private func radii(of subject: Subject, count: Int) -> [Double] {
        if subject == .latent, let modelBands = spectrum.modelBands {
            let gridSide = spectrum.model.configuration.gridSide
            return modelBands.radii(gridSide: gridSide).map { Double($0) / (Double(gridSide) / 2) }
        }
        return (0...count).map { Double($0) / Double(count) }
    }

    // MARK: Words

    /// How many images and latents succeeded: `1 image`, `mean of 3 images`, `mean of 2 images and 1 latent`.
    private static func inputs(_ outcomes: [ItemOutcome]) -> String {
        func counted(_ count: Int, _ noun: String) -> String? {
            count == 0 ? nil : "\(count) \(noun)\(count == 1 ? "" : "s")"
        }
        var images = 0
        var latents = 0
        for outcome in outcomes {
            guard case .success(let output) = outcome.result else { continue }
            if output.source.pixels == nil { latents += 1 } else { images += 1 }
        }
        let all = [counted(images, "image"), counted(latents, "latent")].compactMap(\.self).joined(separator: " and ")
        let failed = counted(outcomes.count - images - latents, "item").map { "; \($0) failed" } ?? ""
        return (images + latents > 1 ? "mean of " : "") + all + failed
    }

    private var order: FrequencyOrder { spectrum.transform == .dct ? spectrum.cut.model.order : .radial }

    private var edgeUnit: String {
        switch spectrum.transform {
        case .dct: "DCT coefficients in \(order.rawValue) order, lowest frequency first"
        case .fft: "radius in the spectrum; 1 is the Nyquist frequency of an axis"
        }
    }

    // MARK: JSON

    private func json(_ outcomes: [ItemOutcome]) throws(Problem) -> JSONValue {
        var items: [JSONValue] = []
        for outcome in outcomes {
            switch outcome.result {
            case .failure(let problem): items.append(ItemOutcome.json(id: outcome.id, problem: problem))
            case .success(let output):
                let spectra = try spectrum.subjects.map { subject throws(Problem) in
                    try (subject, bands(energies(of: subject, output), of: subject))
                }
                items.append(.object([("id", .string(outcome.id))] + members(spectra)))
            }
        }
        var document: [(String, JSONValue)] = [
            ("model", .string(model.header)),
            ("of", .string(spectrum.source.rawValue)),
            ("transform", .string(spectrum.transform.rawValue)),
            ("order", .string(order.rawValue)),
            ("items", .array(items)),
        ]
        if outcomes.count(where: { $0.problem == nil }) > 1 {
            let means = try spectrum.subjects.map { subject throws(Problem) in
                try (subject, meanBands(of: subject, outcomes))
            }
            document.append(("mean", .object(members(means))))
        }
        return .object(document)
    }

    /// Two spectra have a member each; one has its own.
    private func members(_ spectra: [(subject: Subject, bands: SpectrumBands)]) -> [(String, JSONValue)] {
        if spectra.count == 1 { return spectra[0].bands.members }
        return spectra.map { ($0.subject.rawValue, .object($0.bands.members)) }
    }
}
