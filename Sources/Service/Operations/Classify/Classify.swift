// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands
import HTTPWire

/// `/classify`: the most likely classes of an image or a latent.
struct Classify: Operation {
    static let name = "classify"
    static let parameterNames =
        CutParameters.names + ImageParameters.names + ControlParameters.names + RawTensorParameters.names
        + ["top_k", "normalize"]

    private static let topKLimit = 1000

    let model: AutoencoderModel
    let image: ImageParameters
    let control: ControlParameters
    private let cut: CutParameters
    private let normalize: Normalize
    private let topK: Int

    init(_ given: ParameterSet, model: AutoencoderModel, timeoutLimit: Duration) throws(Problem) {
        self.model = model
        control = try ControlParameters(given, timeoutLimit: timeoutLimit)
        image = try ImageParameters(given)
        cut = try CutParameters(given, model: model.configuration)
        normalize = try Normalize(given)
        // A model without a head refuses the task itself.
        let classCount = model.hasHead ? model.classCount : Self.topKLimit
        topK = try given.integer("top_k", in: 1...min(Self.topKLimit, classCount)) ?? min(5, classCount)
    }

    var outputs: AutoencoderTask.Outputs { .logits }

    func tasks(for input: AutoencoderTask.Input) throws(Problem) -> [AutoencoderTask] {
        // A latent in a request was cut before.
        let split = try cut.split(byDefault: input.isPixels ? cut.model.split : nil)
        let isNormalized = try normalize.applies(to: model)
        return [AutoencoderTask(input, outputs, cut: cut, split: split, isNormalized: isNormalized)]
    }

    func form(accept: AcceptHeader, isJSON: Bool, itemCount: Int) throws(Problem) -> JSONForm {
        try accept.best(of: [.json])
    }

    func response(
        to outcomes: [ItemOutcome],
        as form: JSONForm,
        context: ResponseContext
    ) async throws(Problem) -> Response {
        try await context.work.build(outcomes) {
            ClassResponse(model: context.model, labels: model.labels, topK: topK).response(outcomes)
        }
    }
}
