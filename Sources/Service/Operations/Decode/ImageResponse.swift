// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Foundation
import HTTPTypes
import HTTPWire
import ImageCodec

/// The response of `/decode`: one image, several, or JSON.
struct ImageResponse {
    let context: ResponseContext
    let form: Decode.Form
    /// Of JPEG and WebP, 1...100.
    let quality: Int

    private typealias EncodedItem = (id: String, result: Result<Encoded, Problem>)

    /// One encoded image and, for a reconstruction, how close it is to the original.
    private struct Encoded: Sendable {
        let file: [UInt8]
        let quality: ReconstructionQuality?
    }

    func response(_ outcomes: [ItemOutcome]) async throws(Problem) -> Response {
        let items = try await encoded(outcomes)
        var fields: HTTPFields = [:]
        fields[.uaeModel] = context.model.header
        fields[.contentType] = form.mediaType
        switch form {
        case .image:
            let encoded = try items[0].result.get()
            if let quality = encoded.quality { fields[.uaeQuality] = Self.header(quality) }
            return Response(status: 200, fields: fields, body: encoded.file)
        case .json(let format):
            return try await context.work.build(outcomes) { [fields] in
                Response(status: 200, fields: fields, body: json(items, format).text)
            }
        case .multipart(let format):
            let boundary = "uae-" + context.requestID.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }.prefix(48)
            fields[.contentType] = "\(form.mediaType); boundary=\(boundary)"
            return try await context.work.build(outcomes) { [fields] in
                Response(status: 200, fields: fields, body: multipart(items, format, boundary: boundary))
            }
        }
    }

    // MARK: Encoding

    private var fileFormat: ImageFormat {
        switch form {
        case .image(let format), .multipart(let format), .json(let format): format
        }
    }

    /// Encodes the images side by side, in their order.
    private func encoded(_ outcomes: [ItemOutcome]) async throws(Problem) -> [EncodedItem] {
        let (format, quality, work) = (fileFormat, quality, context.work)
        return try await work.map(outcomes) { outcome throws(Problem) in
            switch outcome.result {
            case .failure(let problem): return (outcome.id, .failure(problem))
            case .success(let output):
                let side = Double(output.results.first?.imageSide ?? 0)
                let result = try await work.run(cost: side * side) {
                    Self.encode(output, as: format, quality: quality)
                }
                return (outcome.id, result)
            }
        }
    }

    private static func encode(
        _ output: ItemOutcome.Output,
        as format: ImageFormat,
        quality: Int
    ) -> Result<Encoded, Problem> {
        guard let result = output.results.first, let pixels = result.image else {
            return .failure(Problem(.internalError, "The engine gave no image."))
        }
        let image = RGBImage(width: result.imageSide, height: result.imageSide, pixels: pixels)
        var closeness: ReconstructionQuality?
        if let original = output.pixels, original.width == image.width, original.height == image.height {
            closeness = reconstructionQuality(original, image)
        }
        do throws(ImageEncodeError) {
            switch format {
            case .png: return .success(Encoded(file: try encodePNG(image), quality: closeness))
            case .jpeg: return .success(Encoded(file: try encodeJPEG(image, quality: quality), quality: closeness))
            case .webp: return .success(Encoded(file: try encodeWebP(image, quality: quality), quality: closeness))
            }
        } catch {
            return .failure(error.problem)
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
            case .success(let encoded):
                var members: [(String, JSONValue)] = [
                    ("id", .string(item.id)), ("status", 200),
                    ("content_type", .string(format.mediaType)),
                    ("data_b64", .string(Data(encoded.file).base64EncodedString())),
                ]
                if let quality = encoded.quality {
                    members.append(("quality", ["psnr": .number(quality.psnr), "ssim": .number(quality.ssim)]))
                }
                return .object(members)
            }
        }
        return ["model": .string(context.model.header), "items": .array(items)]
    }

    private func multipart(
        _ items: [EncodedItem],
        _ format: ImageFormat,
        boundary: String
    ) -> [UInt8] {
        var body: [UInt8] = []
        for item in items {
            var head = "--\(boundary)\r\nContent-Disposition: inline; name=\"\(Self.headerText(item.id))\"\r\n"
            var content: [UInt8]
            switch item.result {
            case .success(let encoded):
                content = encoded.file
                head += "Content-Type: \(format.mediaType)\r\n"
                if let quality = encoded.quality { head += "UAE-Quality: \(Self.header(quality))\r\n" }
            case .failure(let problem):
                content = problem.json(requestID: nil).text
                head += "Content-Type: application/problem+json\r\n"
            }
            head += "Content-Length: \(content.count)\r\n\r\n"
            content += Array("\r\n".utf8)
            body += Array(head.utf8) + content
        }
        return body + Array("--\(boundary)--\r\n".utf8)
    }
}

extension ImageFormat {
    var mediaType: String { "image/\(rawValue)" }
}
