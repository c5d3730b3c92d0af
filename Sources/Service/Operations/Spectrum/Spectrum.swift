// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands
import HTTPWire

/// `/spectrum`: the share of energy in each frequency band of a latent or an image.
struct Spectrum: Operation {
    static let name = "spectrum"
    static let parameterNames =
        CutParameters.names + ImageParameters.names + ControlParameters.names + RawTensorParameters.names
        + ["format", "bands", "of", "transform", "normalize"]

    enum Source: String, CaseIterable {
        case latent
        case image
        case both
    }

    /// What one spectrum describes.
    enum Subject: String {
        case latent
        case image
    }

    enum Transform: String, CaseIterable {
        case dct
        case fft
    }

    enum Form: String, CaseIterable, ResponseForm {
        case json
        case svg

        var mediaType: String {
            switch self {
            case .json: "application/json"
            case .svg: "image/svg+xml"
            }
        }
    }

    let model: AutoencoderModel
    let cut: CutParameters
    let image: ImageParameters
    let control: ControlParameters
    let source: Source
    let transform: Transform
    private let bands: Int?
    private let format: Form?
    private let normalize: Normalize

    init(_ given: ParameterSet, model: AutoencoderModel, timeoutLimit: Duration) throws(Problem) {
        self.model = model
        control = try ControlParameters(given, timeoutLimit: timeoutLimit)
        image = try ImageParameters(given)
        cut = try CutParameters(given, model: model.configuration)
        normalize = try Normalize(given)
        bands = try given.integer("bands", in: 1...model.configuration.tokenCount)
        source = try given.choice("of", Source.self) ?? .latent
        transform = try given.choice("transform", Transform.self) ?? .dct
        format = try given.choice("format", Form.self)
        if source == .image {
            for name in CutParameters.names + ["normalize"] where given.text(name) != nil {
                throw .conflict(name, "it acts on latents, and of=image shows the spectrum of the image itself")
            }
        }
    }

    /// How many bands the response has; the model's own number if its FFT bands are shown.
    var bandCount: Int { modelBands?.schedule.count ?? bands ?? 10 }

    /// The spectra of an item.
    var subjects: [Subject] {
        switch source {
        case .latent: [.latent]
        case .image: [.image]
        case .both: [.latent, .image]
        }
    }

    var outputs: AutoencoderTask.Outputs {
        subjects.reduce(into: []) { outputs, subject in
            switch (subject, transform) {
            case (.latent, .dct): outputs.insert(.coefficientEnergies)
            case (.latent, .fft): outputs.insert(.fftEnergies)
            case (.image, .dct): outputs.insert(.imageEnergies)
            case (.image, .fft): outputs.insert(.imageFFTEnergies)
            }
        }
    }

    /// The FFT bands of a first-edition model, where those are shown.
    var modelBands: FFTBandConfiguration? {
        transform == .fft && source != .image ? cut.model.bands : nil
    }

    func tasks(for input: AutoencoderTask.Input) throws(Problem) -> [AutoencoderTask] {
        if let modelBands {
            let own = modelBands.schedule.count
            if let bands, bands != own {
                throw .badParameter("bands", String(bands), allowed: "\(own), the FFT bands of this model")
            }
            if cut.isGiven {
                throw .conflict(
                    "transform",
                    "the FFT bands of this model are not cut, so keep, band_mode and the like must be left out"
                )
            }
        }
        // The whole latent is shown: the model's own cut does not apply.
        var task = AutoencoderTask(
            input,
            outputs,
            cut: cut,
            split: try cut.split(byDefault: nil),
            isNormalized: try normalize.applies(to: model)
        )
        task.fftBandCount = bandCount
        return [task]
    }

    func form(accept: AcceptHeader, isJSON: Bool, itemCount: Int) throws(Problem) -> Form {
        if let format { return format }
        return try accept.best(of: [.json, .svg])
    }

    func response(
        to outcomes: [ItemOutcome],
        as form: Form,
        context: ResponseContext
    ) async throws(Problem) -> Response {
        try await context.work.build(outcomes) { () throws(Problem) in
            try SpectrumResponse(spectrum: self, model: context.model).response(outcomes, form: form)
        }
    }
}
