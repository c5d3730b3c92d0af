// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands
import HTTPWire
import ImageCodec

/// `/decode`: latents to images, and images to their reconstructions.
struct Decode: Operation {
    static let name = "decode"
    static let parameterNames =
        CutParameters.names + ImageParameters.names + ControlParameters.names + RawTensorParameters.names
        + ["normalize"] + CornerParameters.names
        + [
            "image_format", "quality", "rounding", "do_scaling", "scaling_factor", "shift_factor", "output_type",
            "partial_postprocess", "height", "width",
        ]

    /// The values of `image_format`.
    private enum FormatName: String, CaseIterable {
        case png
        case jpg
        case jpeg
        case webp

        var format: ImageFormat {
            switch self {
            case .png: .png
            case .jpg, .jpeg: .jpeg
            case .webp: .webp
            }
        }
    }

    enum Form: ResponseForm, Equatable {
        case image(ImageFormat)
        case multipart(ImageFormat)
        case json(ImageFormat)

        var mediaType: String {
            switch self {
            case .image(let file): file.mediaType
            case .multipart: "multipart/mixed"
            case .json: "application/json"
            }
        }
    }

    let model: AutoencoderModel
    let cut: CutParameters
    let image: ImageParameters
    let control: ControlParameters
    let corner: CornerParameters
    private let normalize: Normalize
    private let fileFormat: ImageFormat?
    private let quality: Int?
    private let rounding: AutoencoderTask.Rounding

    init(_ given: ParameterSet, model: AutoencoderModel, timeoutLimit: Duration) throws(Problem) {
        self.model = model
        control = try ControlParameters(given, timeoutLimit: timeoutLimit)
        image = try ImageParameters(given)
        cut = try CutParameters(given, model: model.configuration)
        normalize = try Normalize(given)
        corner = try CornerParameters(given, coefficientCount: model.configuration.tokenCount)
        fileFormat = try given.choice("image_format", FormatName.self)?.format
        quality = try given.integer("quality", in: 1...100)
        rounding = try given.choice("rounding", AutoencoderTask.Rounding.self) ?? .round
        try Self.refuseForeignMeanings(given, outputSide: model.configuration.outputSide)
    }

    /// What `diffusers` sends along with a latent: taken where it changes nothing here, refused where it would.
    private static func refuseForeignMeanings(_ given: ParameterSet, outputSide: Int) throws(Problem) {
        _ = try given.boolean("do_scaling")
        if let factor = try given.numbers("scaling_factor"), factor != [1] {
            throw .conflict("scaling_factor", "these latents are not scaled, so only 1 is taken")
        }
        if let shift = try given.numbers("shift_factor"), shift != [0] {
            throw .conflict("shift_factor", "these latents are not shifted, so only 0 is taken")
        }
        if let type = given.text("output_type"), type != "pil" {
            throw .badParameter("output_type", type, choices: ["pil"])
        }
        if try given.boolean("partial_postprocess") == true {
            throw .conflict("partial_postprocess", "responses are finished images, so only false is taken")
        }
        for name in ["height", "width"] { _ = try given.integer(name, in: outputSide...outputSide) }
    }

    var outputs: AutoencoderTask.Outputs { .image }

    func tasks(for input: AutoencoderTask.Input) throws(Problem) -> [AutoencoderTask] {
        // A latent in a request was cut before.
        let split = try cut.split(byDefault: input.isPixels ? cut.model.split : nil)
        let isNormalized = try normalize.applies(to: model)
        var task = AutoencoderTask(input, outputs, cut: cut, split: split, isNormalized: isNormalized)
        if case .compactTokens(_, let tokens) = input {
            // The square was cut out by the client.
            try checkCompactTokens(tokens)
            task.split = nil
        } else {
            task.decodedCorner = try decodedCorner(split)
        }
        task.rounding = rounding
        return [task]
    }

    func form(accept: AcceptHeader, isJSON: Bool, itemCount: Int) throws(Problem) -> Form {
        let form = try preferredForm(accept, isJSON: isJSON, itemCount: itemCount)
        if quality != nil, form == .image(.png) {
            throw .conflict("quality", "PNG is lossless; ask for image_format=jpg or webp")
        }
        return form
    }

    private func preferredForm(_ accept: AcceptHeader, isJSON: Bool, itemCount: Int) throws(Problem) -> Form {
        if let fileFormat {
            let file: Form = itemCount == 1 ? .image(fileFormat) : .multipart(fileFormat)
            let prefersJSON = accept.quality(of: "application/json") > accept.quality(of: file.mediaType)
            return isJSON || prefersJSON ? .json(fileFormat) : file
        }
        let files: [Form] = itemCount == 1 ? [.image(.png), .image(.jpeg), .image(.webp)] : [.multipart(.png)]
        return try accept.best(of: isJSON ? [.json(.png)] + files : files + [.json(.png)])
    }

    func response(
        to outcomes: [ItemOutcome],
        as form: Form,
        context: ResponseContext
    ) async throws(Problem) -> Response {
        try await ImageResponse(context: context, form: form, quality: quality ?? 95).response(outcomes)
    }
}
