// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands
import HTTPTypes
import HTTPWire
import ImageCodec
import TensorFiles

/// Reads a request's body: detects its kind by magic bytes first and Content-Type second, and collects items and
/// parameters from whichever form they came in.
struct InputReader {
    let operation: any Operation.Type
    let model: ModelConfiguration
    let limits: Limits
    /// Names the item of a body that is one file; nil: its index does.
    var itemID: String?

    struct Limits: Sendable {
        var items: Int
        var bodyBytes: Int
    }

    /// The kinds of body, for error texts.
    static let acceptedKinds = [
        "JPEG", "PNG", "WebP", "npy", "npz with an array 'latents'", "safetensors with a tensor 'latents'",
        "multipart/form-data", "JSON with 'inputs'", "a raw tensor with 'shape' and 'dtype'",
    ]

    /// - Parameters:
    ///   - request: the complete request.
    ///   - parameters: contains those of the query; form fields and JSON members are added.
    /// - Returns: the items, at least one.
    /// - Throws: the `Problem` to respond with.
    func read(_ request: Request, parameters: inout ParameterSet) throws(Problem) -> RequestInput {
        let body = request.body
        let contentType = request.head.fields[.contentType].flatMap(MediaType.init(parsing:))
        if let kind = request.head.fields[.contentEncoding], kind.lowercased() != "identity" {
            var problem = Problem.unsupportedMedia(
                "Content-Encoding '\(printable(kind, limit: 40))' is not supported; send the bytes without it.",
                sniffed: "encoded"
            )
            // RFC 9110 12.5.3: tells the client that the coding is the reason, not the type.
            problem.fields[.acceptEncoding] = "identity"
            throw problem
        }
        if body.isEmpty { throw .unsupportedMedia("The body is empty.", sniffed: "nothing") }
        if try isRawTensor(body[...], parameters) {
            let items = try latents(try rawTensor(body[...], parameters), parameters, id: itemID)
            return RequestInput(items: items, isJSON: false)
        }
        let kind = PayloadKind.sniff(body[...])
        if kind == nil || kind == .json, let contentType, contentType.isMultipartForm {
            return try readMultipart(body, contentType, parameters: &parameters)
        }
        if kind == nil || kind == .json, PayloadKind.isUTF16JSON(body[...]) {
            throw .unsupportedMedia("The JSON is in UTF-16; send it in UTF-8.", sniffed: "UTF-16")
        }
        if kind == .json { return try readJSON(body, parameters: &parameters) }
        if kind == nil, try parameters.shape() == nil { try refuseOtherJSON(body[...], contentType) }
        var inflatableBytes = inflatableBytes
        let items = try items(in: body, range: 0..<body.count, id: itemID, parameters, &inflatableBytes)
        return RequestInput(items: items, isJSON: false)
    }

    /// JSON that is no object is refused for what it is.
    private func refuseOtherJSON(_ body: ArraySlice<UInt8>, _ contentType: MediaType?) throws(Problem) {
        guard let contentType, contentType.essence.hasSuffix("json"), let first = PayloadKind.firstOfJSON(body) else {
            return
        }
        let kind: String
        switch first {
        case UInt8(ascii: "["): kind = "an array"
        case UInt8(ascii: "\""): kind = "a string"
        case let byte where "-0123456789tfn".utf8.contains(byte): kind = "no object"
        default: return
        }
        throw .unsupportedMedia(
            "The JSON is \(kind); send an object, \(JSONRequest.example).",
            sniffed: "JSON, \(kind)",
            accepted: ["JSON with 'inputs'"]
        )
    }

    /// The items of one file: an image is one, a tensor is as many as its first axis says.
    private func items(
        in bytes: [UInt8],
        range: Range<Int>,
        id: String?,
        _ parameters: ParameterSet,
        _ inflatableBytes: inout Int
    ) throws(Problem) -> [InputItem] {
        let slice = bytes[range]
        if slice.isEmpty { throw .undecodable("The file is empty.", expected: "an image or a tensor", got: "0 bytes") }
        if try isRawTensor(slice, parameters) {
            return try latents(try rawTensor(slice, parameters), parameters, id: id)
        }
        let kind = PayloadKind.sniff(slice)
        switch kind {
        case .npy, .npz, .safetensors:
            // Before anything is inflated or converted.
            guard operation.takesLatents else {
                throw .unsupportedMedia(
                    "/\(operation.name) takes images, and this is a tensor.",
                    sniffed: "tensor",
                    accepted: ["JPEG", "PNG", "WebP"]
                )
            }
        case .image, .json, nil: break
        }
        switch kind {
        case .image:
            return [InputItem(id: id ?? "0", payload: .image(bytes: bytes, range: range))]
        case .npy:
            return try latents(try npyTensor(slice, RawTensorParameters(parameters)), parameters, id: id)
        case .npz:
            let tensor = try npzTensor(slice, RawTensorParameters(parameters), &inflatableBytes)
            return try latents(tensor, parameters, id: id)
        case .safetensors:
            let (tensor, statement) = try safetensorsTensor(slice, RawTensorParameters(parameters))
            return try latents(tensor, parameters, id: id, statement: statement)
        case .json, nil:
            if try parameters.shape() != nil {
                return try latents(try rawTensor(slice, parameters), parameters, id: id)
            }
            if let format = ForeignFormat.sniff(slice) {
                // It may repeat a file's name.
                throw .unsupportedMedia(printable(format.advice, limit: 1024), sniffed: format.name)
            }
            let start = slice.prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
            throw .unsupportedMedia(
                "The bytes are neither an image nor a tensor: they start with \(start).",
                sniffed: "unknown"
            )
        }
    }

    // MARK: Tensors

    /// The values of all latents that a request may have; more are refused before they are read.
    var maximumElements: Int { limits.items * model.latentCount }

    /// A small body can hold many large compressed arrays: together, those that cannot be used included, as many bytes as
    /// all latents of a request have in float64, and no more than a body.
    private var inflatableBytes: Int { min(limits.bodyBytes, maximumElements * TensorDType.float64.byteCount) }

    /// A raw tensor has no magic bytes, so exactly the length that `shape` and `dtype` promise identifies it.
    private func isRawTensor(_ bytes: ArraySlice<UInt8>, _ parameters: ParameterSet) throws(Problem) -> Bool {
        guard operation.takesLatents, parameters.text("shape") != nil else { return false }
        return try RawTensorParameters(parameters).byteCount == bytes.count
    }

    private func rawTensor(_ bytes: ArraySlice<UInt8>, _ parameters: ParameterSet) throws(Problem) -> TensorArray {
        let raw = try RawTensorParameters(parameters)
        let (shape, dtype) = (raw.shape ?? [], raw.dtype)
        guard let expected = raw.byteCount, expected == bytes.count else {
            throw Problem(
                .tensorShape,
                "A \(dtype.rawValue) tensor of shape \(shape) takes \(raw.byteCount.map(String.init) ?? "too many") "
                    + "bytes, got \(bytes.count).",
                [("expected", raw.byteCount.map(JSONValue.integer) ?? .null), ("got", .integer(bytes.count))]
            )
        }
        let count = bytes.count / dtype.tensor.byteCount
        if count > maximumElements { throw .tooManyValues(count: count, limit: maximumElements) }
        let values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            bytes.withUnsafeBytes { raw in
                if let out = buffer.baseAddress { floats(from: raw, dtype: dtype.tensor, into: out) }
            }
            initialized = count
        }
        return TensorArray(shape: shape, values: values)
    }

    private func latents(
        _ tensor: TensorArray,
        _ parameters: ParameterSet,
        id: String? = nil,
        statement: LatentStatement = .none
    ) throws(Problem) -> [InputItem] {
        if statement.layout == LatentStatement.pooled {
            throw .tensorShape(
                "The file holds pooled vectors (pool=mean), which have no positions; send a latent.",
                expected: LatentLayout.allCases.map(\.rawValue).joined(separator: ", "),
                got: LatentStatement.pooled
            )
        }
        let compact = try operation.compactPosition(parameters, model.frequency)
        let inputs = try LatentGeometry(model).inputs(
            from: tensor,
            stated: statement.layout.flatMap { LatentLayout(rawValue: $0) },
            compact: compact
        )
        try checkCount(inputs.count)
        let isNormalized = (parameters.text("normalize") ?? "auto") == "auto" ? statement.isNormalized : nil
        return inputs.enumerated().map { index, input in
            let name = id.map { inputs.count == 1 ? $0 : "\($0)/\(index)" } ?? String(index)
            return InputItem(id: name, payload: .latent(input, isNormalized: isNormalized))
        }
    }

    // MARK: Several items

    private func checkCount(_ count: Int) throws(Problem) {
        guard count <= limits.items else {
            throw Problem(
                .tooManyItems,
                "The request has \(count) items; at most \(limits.items) are allowed.",
                [("limit", .integer(limits.items)), ("actual", .integer(count))]
            )
        }
    }

    private func readMultipart(
        _ body: [UInt8],
        _ contentType: MediaType,
        parameters: inout ParameterSet
    ) throws(Problem) -> RequestInput {
        let parts: [MultipartPart]
        do throws(MultipartError) {
            guard let boundary = contentType.parameter("boundary") else { throw .missingBoundary }
            parts = try parseMultipart(body, boundary: boundary)
        } catch {
            throw error.problem
        }
        var files: [MultipartPart] = []
        for part in parts {
            // What a browser sends for a file input without a file.
            if part.filename == "", part.body.isEmpty { continue }
            if part.filename != nil || isFile(part, of: body) {
                files.append(part)
            } else {
                try ParameterSet.check(part.name ?? "", byteCount: part.body.count)
                guard let name = part.name, let value = String(validating: body[part.body], as: UTF8.self) else {
                    throw Problem(
                        .malformedMultipart,
                        "A part without a filename is a parameter, which needs a name and a UTF-8 value.",
                        [("offset", .integer(part.body.lowerBound))]
                    )
                }
                if !operation.parameterNames.contains(name) {
                    if let url = URLText(body[part.body]) { throw .urlAsFile(part: name, url, of: operation) }
                    if let file = FileNameText(body[part.body]) {
                        throw .fileNameAsText(part: name, file.text, of: operation)
                    }
                }
                try parameters.add(name, value)
            }
        }
        if files.isEmpty { throw .unsupportedMedia("The form has no file.", sniffed: "multipart/form-data") }
        try checkCount(files.count)
        var items: [InputItem] = []
        var inflatableBytes = inflatableBytes
        for (index, file) in files.enumerated() {
            let id = file.filename.flatMap { $0.isEmpty ? nil : $0 } ?? file.name ?? String(index)
            if let fault = ItemID.fault(id) { throw .malformedMultipart(fault, offset: file.body.lowerBound) }
            items += try itemsOrFailure(id: id, parameters) { () throws(Problem) in
                try self.items(in: body, range: file.body, id: id, parameters, &inflatableBytes)
            }
            try checkCount(items.count)
        }
        return RequestInput(items: items, isJSON: false)
    }

    /// Whether a part without a filename is a file: by its media type, or by its first bytes.
    private func isFile(_ part: MultipartPart, of body: [UInt8]) -> Bool {
        if let type = part.contentType.flatMap(MediaType.init(parsing:))?.essence {
            let files = [TensorFormat.raw, .npy, .npz, .safetensors].map(\.mediaType)
            if type.hasPrefix("image/") || files.contains(type) { return true }
        }
        switch PayloadKind.sniff(body[part.body]) {
        case .image, .npy, .npz, .safetensors: return true
        case .json, nil: return false
        }
    }

    private func readJSON(_ body: [UInt8], parameters: inout ParameterSet) throws(Problem) -> RequestInput {
        let document = try JSONRequest(body)
        for (name, value) in document.parameters { try parameters.add(name, value) }
        try checkCount(document.inputs.count)
        var items: [InputItem] = []
        var inflatableBytes = inflatableBytes
        for (index, input) in document.inputs.enumerated() {
            let id = input.id ?? String(index)
            items += try itemsOrFailure(id: id, parameters) { () throws(Problem) in
                let bytes = try input.decodedBytes(of: body)
                return try self.items(in: bytes, range: 0..<bytes.count, id: id, parameters, &inflatableBytes)
            }
            try checkCount(items.count)
        }
        return RequestInput(items: items, isJSON: true)
    }

    /// A file that cannot be used becomes a failed item: with `on_error=skip` the others are processed, and otherwise an
    /// earlier one may turn out to be bad too, which is the one to name.
    private func itemsOrFailure(
        id: String,
        _ parameters: ParameterSet,
        _ read: () throws(Problem) -> [InputItem]
    ) throws(Problem) -> [InputItem] {
        do throws(Problem) {
            return try read()
        } catch {
            // No fault of the file: together the items are too many.
            if error.kind == .tooManyItems, parameters.text("on_error") != "skip" { throw error.forItem(id) }
            return [InputItem(id: id, payload: .unusable(error.forItem(id)))]
        }
    }
}

extension Problem {
    /// A form's part that should have been a file.
    static func fileNameAsText(part: String, _ file: String, of operation: any Operation.Type) -> Problem {
        var problem = unknownParameter(part, of: "/" + operation.name, allowed: operation.parameterNames)
        let (part, file) = (printable(part, limit: 64), printable(file, limit: 255))
        problem.detail =
            "The part '\(part)' is the text '\(file)'; to send the file, put @ before its name: "
            + "curl -F '\(part)=@\(file)'."
        return problem
    }

    /// A form's part that should have been a file and is where to find one.
    static func urlAsFile(part: String, _ url: URLText, of operation: any Operation.Type) -> Problem {
        var problem = unknownParameter(part, of: "/" + operation.name, allowed: operation.parameterNames)
        problem.detail = "The part '\(printable(part, limit: 64))' is the URL '\(url.text)'. \(URLText.advice)"
        return problem
    }

    static func unsupportedMedia(
        _ detail: String,
        sniffed: String,
        accepted: [String] = InputReader.acceptedKinds
    ) -> Problem {
        Problem(
            .unsupportedMedia,
            detail,
            [("sniffed", .string(sniffed)), ("accepted", .array(accepted.map(JSONValue.string)))]
        )
    }
}
