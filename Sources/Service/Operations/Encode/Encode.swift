// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands
import HTTPWire

/// `/encode`: images to latents.
struct Encode: Operation {
    static let name = "encode"
    static let parameterNames =
        CutParameters.names + ImageParameters.names + ControlParameters.names
        + ["layout", "dtype", "format", "normalize", "flip", "pool"]
    static let takesLatents = false

    enum Flip: String, CaseIterable {
        case none
        case horizontal = "h"
        case both
    }

    private enum Pool: String, CaseIterable {
        case none
        case mean
    }

    let model: AutoencoderModel
    let cut: CutParameters
    let image: ImageParameters
    let control: ControlParameters
    let layout: LatentLayout
    let dtype: WireDType
    let flip: Flip
    /// Whether the response holds the mean over the tokens instead of the latent.
    let isPooled: Bool
    private let format: TensorFormat?
    private let normalize: Normalize

    init(_ given: ParameterSet, model: AutoencoderModel, timeoutLimit: Duration) throws(Problem) {
        self.model = model
        control = try ControlParameters(given, timeoutLimit: timeoutLimit)
        image = try ImageParameters(given)
        cut = try CutParameters(given, model: model.configuration)
        normalize = try Normalize(given)
        dtype = try given.choice("dtype", WireDType.self) ?? .float32
        layout = try given.choice("layout", LatentLayout.self) ?? .nchw
        format = try given.choice("format", TensorFormat.self)
        flip = try given.choice("flip", Flip.self) ?? .none
        isPooled = try given.choice("pool", Pool.self) == .mean
        if isPooled {
            if given.text("layout") != nil { throw .conflict("layout", "a pooled vector has no layout") }
            if normalize == .yes { throw .conflict("normalize", "pooled vectors are never normalised") }
        }
        if layout == .freqTokens { try checkFrequencyTokens() }
    }

    private func checkFrequencyTokens() throws(Problem) {
        if normalize == .yes { throw .conflict("normalize", "freq_tokens are never normalised") }
        if cut.bandMode ?? .low != .low {
            throw .conflict("band_mode", "freq_tokens are the lowest coefficients, which only band_mode=low keeps")
        }
        if cut.cutoff ?? .reorder1D != .reorder1D {
            throw .conflict(
                "cutoff_mode",
                "freq_tokens are the first coefficients along the order, which only cutoff_mode=reorder_1d keeps"
            )
        }
        if let order = cut.order, order != cut.model.order {
            throw .conflict(
                "freq_order",
                "freq_tokens come in the model's own order, which is \(cut.model.order.rawValue)"
            )
        }
        if cut.keep == 0 {
            let limit = model.configuration.tokenCount
            throw .badParameter("keep", "0", allowed: "an integer from 1 to \(limit) with layout=freq_tokens")
        }
    }

    var outputs: AutoencoderTask.Outputs {
        if isPooled { return .pooled }
        return layout == .freqTokens ? .frequencyTokens : .latent
    }

    var tasksPerItem: Int { flip == .both ? 2 : 1 }

    /// The cut of the latents that go out; nil for none, as for frequency tokens, which are counted instead.
    var split: BandSplit? {
        get throws(Problem) { layout == .freqTokens ? nil : try cut.split(byDefault: cut.model.split) }
    }

    /// Coefficients of each channel in `freq_tokens`: the request's, else those of a model that keeps the lowest.
    var frequencyTokenCount: Int {
        if let keep = cut.keep { return keep }
        guard cut.appliesFrequency != false, let own = cut.model.split, own.mode == .low, own.cutoff == .reorder1D
        else {
            return model.configuration.tokenCount
        }
        return own.count
    }

    /// Whether the numbers of the response are normalised.
    var isNormalized: Bool {
        get throws(Problem) {
            if isPooled || layout == .freqTokens { return false }
            return try normalize.applies(to: model)
        }
    }

    func tasks(for input: AutoencoderTask.Input) throws(Problem) -> [AutoencoderTask] {
        var task = AutoencoderTask(
            input,
            outputs,
            cut: cut,
            split: try split,
            isNormalized: try normalize.applies(to: model)
        )
        if layout == .freqTokens { task.frequencyTokenCount = frequencyTokenCount }
        var mirrored = task
        mirrored.flipped = true
        return switch flip {
        case .none: [task]
        case .horizontal: [mirrored]
        case .both: [task, mirrored]
        }
    }

    func form(accept: AcceptHeader, isJSON: Bool, itemCount: Int) throws(Problem) -> TensorFormat {
        let form = try preferredFormat(accept, byDefault: isJSON ? .json : .raw)
        if dtype == .bfloat16, form == .npy || form == .npz {
            throw .notAcceptable(
                "numpy has no bfloat16; ask for safetensors, raw or json.",
                available: ["safetensors", "raw", "json"]
            )
        }
        if flip == .both, form == .raw || form == .npy {
            throw .notAcceptable(
                "flip=both gives two tensors, and \(form.rawValue) holds one; ask for safetensors, npz or json.",
                available: ["safetensors", "npz", "json"]
            )
        }
        return form
    }

    private func preferredFormat(
        _ accept: AcceptHeader,
        byDefault first: TensorFormat
    ) throws(Problem) -> TensorFormat {
        if let format { return format }
        return try accept.best(of: [first] + TensorFormat.allCases.filter { $0 != first })
    }

    func response(
        to outcomes: [ItemOutcome],
        as form: TensorFormat,
        context: ResponseContext
    ) async throws(Problem) -> Response {
        let response = LatentResponse(
            encode: self,
            model: context.model,
            split: try split,
            isNormalized: try isNormalized
        )
        return try await context.work.build(outcomes) { () throws(Problem) in
            try response.response(outcomes, format: form)
        }
    }
}

/// The layouts of a latent in requests and responses.
package enum LatentLayout: String, Sendable, CaseIterable {
    /// `[N, C, side, side]`
    case nchw
    /// `[N, side², C]`
    case tokens
    /// `[N, C, K]`: the K lowest DCT coefficients in the model's order, never normalised.
    case freqTokens = "freq_tokens"
}

enum TensorFormat: String, CaseIterable, ResponseForm {
    case raw
    case npy
    case npz
    case safetensors
    case json

    var mediaType: String {
        switch self {
        case .raw: "application/octet-stream"
        case .npy: "application/x-npy"
        case .npz: "application/x-npz"
        case .safetensors: "application/vnd.safetensors"
        case .json: "application/json"
        }
    }
}
