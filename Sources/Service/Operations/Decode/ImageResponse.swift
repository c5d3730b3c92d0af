// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Foundation
import HTTPTypes
import HTTPWire
import ImageCodec

/// The response of `/decode`: one image, several, or JSON.
struct ImageResponse {
    let decode: Decode
    let context: ResponseContext
    let form: Decode.Form
    /// Of JPEG and WebP, 1...100.
    let quality: Int

    private typealias EncodedItem = (id: String, result: Result<Files, Problem>)

    /// The files of one item.
    private struct Files: Sendable {
        /// The image as the model sees it, where the response holds it.
        let input: [UInt8]?
        let images: [ImageFile]
    }

    /// One encoded image and, for a reconstruction, how close it is to the original.
    private struct ImageFile: Sendable {
        let bytes: [UInt8]
        let latent: DecodedLatent
        let quality: ReconstructionQuality?
    }

    func response(_ outcomes: [ItemOutcome]) async throws(Problem) -> Response {
        let items = try await encoded(outcomes)
        var fields: HTTPFields = [:]
        fields[.uaeModel] = context.model.header
        fields[.contentType] = form.mediaType
        let resultCount = outcomes.count * decode.resultsPerItem
        switch form {
        case .image:
            guard let file = try items[0].result.get().images.first else {
                throw Problem(.internalError, "The engine gave no image.")
            }
            fields[.uaeLatent] = file.latent.header
            if let quality = file.quality { fields[.uaeQuality] = Self.header(quality) }
            return Response(status: 200, fields: fields, body: file.bytes)
        case .json(let format):
            return try await context.work.build(resultCount: resultCount) { [fields] in
                Response(status: 200, fields: fields, body: json(items, format).text)
            }
        case .multipart(let format):
            let boundary = "uae-" + context.requestID.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }.prefix(48)
            fields[.contentType] = "\(form.mediaType); boundary=\(boundary)"
            return try await context.work.build(resultCount: resultCount) { [fields] in
                Response(status: 200, fields: fields, body: multipart(items, format, boundary: boundary))
            }
        }
    }

    // MARK: Encoding

    /// Encodes the images side by side, in their order.
    private func encoded(_ outcomes: [ItemOutcome]) async throws(Problem) -> [EncodedItem] {
        try await context.work.map(outcomes) { outcome throws(Problem) in
            switch outcome.result {
            case .failure(let problem): return (outcome.id, .failure(problem))
            case .success(let output): return (outcome.id, try await files(output))
            }
        }
    }

    /// - Returns: the files of an item, or the first fault that is its own.
    /// - Throws: what ends the request, such as its deadline.
    private func files(_ output: ItemOutcome.Output) async throws(Problem) -> Result<Files, Problem> {
        let (format, quality, work) = (form.file, quality, context.work)
        let images = try await work.map(try decode.reconstructions(output)) { reconstruction throws(Problem) in
            let side = Double(reconstruction.image.width)
            return try await work.run(cost: side * side) { () -> Result<ImageFile, Problem> in
                do throws(Problem) {
                    return .success(
                        ImageFile(
                            bytes: try imageFile(reconstruction.image, as: format, quality: quality),
                            latent: reconstruction.latent,
                            quality: reconstruction.quality
                        )
                    )
                } catch {
                    return .failure(error)
                }
            }
        }
        var input: [UInt8]?
        if decode.returnsInput, let pixels = output.source.pixels {
            // Always without loss: it is what the others are compared with.
            input = try await work.run(cost: Double(pixels.width * pixels.height)) { () throws(Problem) in
                try imageFile(pixels, as: .png, quality: quality)
            }
        }
        do throws(Problem) {
            return .success(Files(input: input, images: try images.map { image throws(Problem) in try image.get() }))
        } catch {
            return .failure(error)
        }
    }

    // MARK: Writing

    /// The value of the `UAE-Quality` header.
    ///
    /// Equal images have an infinite PSNR, which a structured field cannot hold as a number.
    private static func header(_ quality: ReconstructionQuality) -> String {
        let psnr = quality.psnr.isFinite ? decimals(quality.psnr, 2) : "inf"
        return "psnr=\(psnr), ssim=\(decimals(quality.ssim, 4))"
    }

    private static func decimals(_ value: Double, _ count: Int) -> String {
        String(format: "%.\(count)f", value)
    }

    /// An id inside the quotes of a part's header: printable ASCII without `"` and `\`, `_` for the rest.
    static func headerText(_ id: String) -> String {
        String(
            decoding: id.unicodeScalars.map { scalar -> UInt8 in
                let isPlain = (0x20...0x7E).contains(scalar.value) && scalar != "\"" && scalar != "\\"
                return isPlain ? UInt8(scalar.value) : UInt8(ascii: "_")
            },
            as: UTF8.self
        )
    }

    private func json(_ items: [EncodedItem], _ format: ImageFormat) -> JSONValue {
        let items = items.map { item -> JSONValue in
            switch item.result {
            case .failure(let problem): return ItemOutcome.json(id: item.id, problem: problem)
            case .success(let files):
                let images = files.images.map { image in
                    image.latent.members + Self.content(image.bytes, format)
                        + (image.quality.map { [("quality", $0.json)] } ?? [])
                }
                let input = files.input.map { JSONValue.object(Self.content($0, .png)) }
                return decode.json(id: item.id, input: input, images: images)
            }
        }
        return ["model": .string(context.model.header), "items": .array(items)]
    }

    static func content(_ file: [UInt8], _ format: ImageFormat) -> [(String, JSONValue)] {
        [
            ("content_type", .string(format.mediaType)),
            ("data_b64", .string(Data(file).base64EncodedString())),
        ]
    }

    /// The input of an item before its images, all under the item's id.
    private func multipart(
        _ items: [EncodedItem],
        _ format: ImageFormat,
        boundary: String
    ) -> [UInt8] {
        var body: [UInt8] = []
        func append(_ id: String, _ content: [UInt8], type: String, _ fields: [(String, String)] = []) {
            var head = "--\(boundary)\r\nContent-Disposition: inline; name=\"\(Self.headerText(id))\"\r\n"
            head += "Content-Type: \(type)\r\n"
            for (name, value) in fields { head += "\(name): \(value)\r\n" }
            head += "Content-Length: \(content.count)\r\n\r\n"
            body += head.utf8
            body += content
            body += "\r\n".utf8
        }
        for item in items {
            switch item.result {
            case .success(let files):
                if let input = files.input {
                    append(item.id, input, type: ImageFormat.png.mediaType, [("UAE-Image", "input")])
                }
                for image in files.images {
                    var fields = [("UAE-Latent", image.latent.header)]
                    if let quality = image.quality { fields.append(("UAE-Quality", Self.header(quality))) }
                    append(item.id, image.bytes, type: format.mediaType, fields)
                }
            case .failure(let problem):
                append(item.id, problem.json(requestID: nil).text, type: "application/problem+json")
            }
        }
        body += "--\(boundary)--\r\n".utf8
        return body
    }
}

extension ImageFormat {
    var mediaType: String { "image/\(rawValue)" }
}
