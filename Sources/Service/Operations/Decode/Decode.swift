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
        + ["normalize"] + CornerParameters.names + BandSelection.names
        + [
            "layout", "with_input", "image_format", "quality", "rounding", "do_scaling", "scaling_factor",
            "shift_factor", "output_type", "partial_postprocess", "height", "width",
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

    enum Layout: String, CaseIterable {
        /// A file for each image.
        case images
        /// All images on one page.
        case sheet
    }

    enum Form: ResponseForm, Equatable {
        case image(ImageFormat)
        case multipart(ImageFormat)
        case json(ImageFormat)

        /// The format of the images, also inside JSON and multipart.
        var file: ImageFormat {
            switch self {
            case .image(let file), .multipart(let file), .json(let file): file
            }
        }

        var mediaType: String {
            switch self {
            case .image(let file): file.mediaType
            case .multipart: "multipart/mixed"
            case .json: "application/json"
            }
        }
    }

    let model: AutoencoderModel
    private(set) var cut: CutParameters
    let image: ImageParameters
    let control: ControlParameters
    let corner: CornerParameters
    /// What the images show; nil: reconstructions.
    let bands: BandSelection?
    let layout: Layout
    /// Whether the response also holds each image as the model sees it.
    let returnsInput: Bool
    private let normalize: Normalize
    private let fileFormat: ImageFormat?
    private let quality: Int?
    private let rounding: AutoencoderTask.Rounding

    init(_ given: ParameterSet, model: AutoencoderModel, timeoutLimit: Duration) throws(Problem) {
        self.model = model
        control = try ControlParameters(given, timeoutLimit: timeoutLimit)
        image = try ImageParameters(given)
        cut = try CutParameters(given, model: model.configuration, takesLevels: true)
        normalize = try Normalize(given)
        corner = try CornerParameters(given, coefficientCount: model.configuration.tokenCount)
        bands = try BandSelection.read(given, cut: cut, model: model.configuration)
        layout = try given.choice("layout", Layout.self) ?? .images
        returnsInput = try given.boolean("with_input") ?? false
        if layout == .sheet, given.text("with_input") != nil {
            throw .conflict("with_input", "a sheet always shows the image as the model sees it")
        }
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

    /// This request for one of its levels alone, as `keep=LEVEL` would ask.
    func at(_ level: Int) -> Decode {
        var single = self
        single.cut = cut.at(level)
        return single
    }

    var outputs: AutoencoderTask.Outputs {
        switch bands {
        case nil: cut.levels == nil ? .image : .latent
        case .range, .band: .contribution
        case .mixture: .latent
        }
    }

    var resultsPerItem: Int { cut.levels?.count ?? 1 }

    var secondPhase: (any SecondPhase)? {
        if case .mixture(let split) = bands { return MixedLatents(split: split, rounding: rounding) }
        return cut.levels.map { DecodedLevels(singles: $0.map(at)) }
    }

    func tasks(for input: AutoencoderTask.Input) throws(Problem) -> [AutoencoderTask] {
        if returnsInput, !input.isPixels {
            throw .conflict("with_input", "it returns the image that was sent, and a latent was sent")
        }
        if let bands { return [try task(for: input, showing: bands)] }
        guard let levels = cut.levels else { return [try task(for: input)] }
        if case .compactTokens = input {
            throw .conflict("keep", "a block of tokens has had its cut, so it has no list of levels")
        }
        for level in levels { try at(level).checkLevel() }
        return [try wholeTask(for: input)]
    }

    /// The task of one item without a cut; what it returns is never normalised.
    private func wholeTask(for input: AutoencoderTask.Input) throws(Problem) -> AutoencoderTask {
        let isNormalized = try normalize.applies(to: model)
        var task = AutoencoderTask(input, outputs, cut: cut, split: nil, isNormalized: isNormalized)
        task.normalizeLatent = false
        task.rounding = rounding
        return task
    }

    private func task(
        for input: AutoencoderTask.Input,
        showing bands: BandSelection
    ) throws(Problem) -> AutoencoderTask {
        if case .compactTokens = input {
            throw .conflict(bands.name, "it needs a whole latent, and a block of tokens was sent")
        }
        var task = try wholeTask(for: input)
        switch bands {
        case .range(let from, let to, let order): task.cut = .range(from: from, to: to, order: order)
        case .band(let band): task.bands = .only(band)
        case .mixture: break
        }
        return task
    }

    /// The task of one image.
    func task(for input: AutoencoderTask.Input) throws(Problem) -> AutoencoderTask {
        // A latent in a request was cut before.
        let split = try cut.split(byDefault: input.isPixels ? cut.model.split : nil)
        let isNormalized = try normalize.applies(to: model)
        var task = AutoencoderTask(input, .image, cut: cut, split: split, isNormalized: isNormalized)
        if case .compactTokens(_, let tokens) = input {
            // The square was cut out by the client.
            try checkCompactTokens(tokens)
            task.cut = nil
        } else {
            task.decodedCorner = try decodedCorner(split)
        }
        task.rounding = rounding
        return task
    }

    func form(accept: AcceptHeader, isJSON: Bool, itemCount: Int) throws(Problem) -> Form {
        var imageCount = layout == .sheet ? 1 : itemCount * (resultsPerItem + (returnsInput ? 1 : 0))
        if case .mixture = bands {
            guard itemCount == MixedLatents.itemCount else { throw .mixtureItems(itemCount) }
            imageCount = 1
        }
        let form = try preferredForm(accept, isJSON: isJSON, imageCount: imageCount)
        // 1 is also how a client asks for the figures, which every response has.
        if let quality, quality != 1, form.file == .png {
            throw .conflict("quality", "PNG is lossless; ask for image_format=jpg or webp")
        }
        return form
    }

    private func preferredForm(_ accept: AcceptHeader, isJSON: Bool, imageCount: Int) throws(Problem) -> Form {
        if let fileFormat {
            let file: Form = imageCount == 1 ? .image(fileFormat) : .multipart(fileFormat)
            let prefersJSON = accept.quality(of: "application/json") > accept.quality(of: file.mediaType)
            return isJSON || prefersJSON ? .json(fileFormat) : file
        }
        let files: [Form] = imageCount == 1 ? [.image(.png), .image(.jpeg), .image(.webp)] : [.multipart(.png)]
        return try accept.best(of: isJSON ? [.json(.png)] + files : files + [.json(.png)])
    }

    func response(
        to outcomes: [ItemOutcome],
        as form: Form,
        context: ResponseContext
    ) async throws(Problem) -> Response {
        let quality = quality ?? 95
        switch layout {
        case .images:
            return try await ImageResponse(decode: self, context: context, form: form, quality: quality)
                .response(outcomes)
        case .sheet:
            return try await SheetResponse(decode: self, context: context, form: form, quality: quality)
                .response(outcomes)
        }
    }
}
