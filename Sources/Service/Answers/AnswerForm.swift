// SPDX-License-Identifier: Apache-2.0

import HTTPWire

/// The form in which a request is answered.
enum AnswerForm: Sendable, Equatable {
    case tensor(TensorFormat)
    case picture(PictureFormat)
    case pictures
    case json
    case svg

    var mediaType: String {
        switch self {
        case .tensor(.raw): "application/octet-stream"
        case .tensor(.npy): "application/x-npy"
        case .tensor(.npz): "application/x-npz"
        case .tensor(.safetensors): "application/vnd.safetensors"
        case .tensor(.json), .json: "application/json"
        case .picture(.png): "image/png"
        case .picture(.jpg): "image/jpeg"
        case .pictures: "multipart/mixed"
        case .svg: "image/svg+xml"
        }
    }

    /// Chooses the form: parameters beat `Accept`, which beats the default.
    ///
    /// - Parameters:
    ///   - parameters: what was asked for by name.
    ///   - accept: the `Accept` field, if any.
    ///   - isJSON: whether the request was JSON, and so, by default, is its answer.
    ///   - itemCount: how many items are answered.
    /// - Throws: a `Problem` of kind `not-acceptable`.
    init(
        _ parameters: RequestParameters,
        accept: String?,
        isJSON: Bool,
        itemCount: Int
    ) throws(Problem) {
        let accept = AcceptHeader(parsing: accept ?? "*/*")
        switch parameters.operation {
        case .encode:
            let byDefault = isJSON ? TensorFormat.json : .raw
            if let format = parameters.format {
                self = .tensor(format)
            } else {
                let forms = ([byDefault] + TensorFormat.allCases.filter { $0 != byDefault }).map { Self.tensor($0) }
                self = try Self.best(of: forms, accept)
            }
        case .decode:
            if let format = parameters.pictureFormat {
                let picture: [Self] = itemCount == 1 ? [.picture(format)] : [.pictures]
                self =
                    isJSON || accept.quality(of: "application/json") > accept.quality(of: picture[0].mediaType)
                    ? .json : picture[0]
            } else {
                let pictures: [Self] = itemCount == 1 ? [.picture(.png), .picture(.jpg)] : [.pictures]
                self = try Self.best(of: isJSON ? [.json] + pictures : pictures + [.json], accept)
            }
        case .spectrum:
            switch parameters.spectrumFormat {
            case .json: self = .json
            case .svg: self = .svg
            case nil: self = try Self.best(of: [.json, .svg], accept)
            }
        case .classify: self = try Self.best(of: [.json], accept)
        }
        try Self.check(self, parameters)
    }

    /// The most welcome form; among equals the first.
    private static func best(of forms: [AnswerForm], _ accept: AcceptHeader) throws(Problem) -> AnswerForm {
        let first = forms[0]
        if accept.isIndifferent { return first }
        var best = (form: first, quality: 0.0)
        for form in forms where accept.quality(of: form.mediaType) > best.quality {
            best = (form, accept.quality(of: form.mediaType))
        }
        guard best.quality > 0 else {
            throw .notAcceptable("Accept rules out every form of this answer.", available: forms.map(\.mediaType))
        }
        return best.form
    }

    private static func check(_ form: AnswerForm, _ parameters: RequestParameters) throws(Problem) {
        if parameters.dtype == .bfloat16, form == .tensor(.npy) || form == .tensor(.npz) {
            throw .notAcceptable(
                "numpy has no bfloat16; ask for safetensors, raw or json.",
                available: ["safetensors", "raw", "json"]
            )
        }
        if parameters.flip == .both, form == .tensor(.raw) || form == .tensor(.npy) {
            throw .notAcceptable(
                "flip=both gives two tensors, which raw and npy cannot hold.",
                available: ["safetensors", "npz", "json"]
            )
        }
        if parameters.quality != nil, form == .picture(.png) {
            throw .conflict("quality", "PNG is lossless; ask for image_format=jpg")
        }
    }
}

extension Problem {
    static func notAcceptable(_ detail: String, available: [String]) -> Problem {
        Problem(.notAcceptable, detail, [("available", .array(available.map(JSONValue.string)))])
    }
}
