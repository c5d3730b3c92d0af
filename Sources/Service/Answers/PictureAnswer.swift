// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Foundation
import HTTPTypes
import HTTPWire
import ImageCodec

/// The answer of `/decode`: one picture, several, or JSON.
struct PictureAnswer {
    let model: ModelIdentity
    let parameters: RequestParameters

    /// One encoded picture and, for a reconstruction, how close it is to what went in.
    struct Encoded: Sendable {
        let file: [UInt8]
        let quality: ReconstructionQuality?
    }

    /// Encodes one picture; work for the picture pool.
    static func encode(
        _ answer: ItemOutcome.Answer,
        as format: PictureFormat,
        quality: Int
    ) throws(Problem) -> Encoded {
        guard let result = answer.results.first, let pixels = result.picture else {
            throw Problem(.internalError, "The decoder gave no picture.")
        }
        let image = RGBImage(width: result.pictureSide, height: result.pictureSide, pixels: pixels)
        var closeness: ReconstructionQuality?
        if let original = answer.pixels, original.width == image.width, original.height == image.height {
            closeness = reconstructionQuality(original, image)
        }
        do throws(ImageEncodeError) {
            switch format {
            case .png: return Encoded(file: try encodePNG(image), quality: closeness)
            case .jpg: return Encoded(file: try encodeJPEG(image, quality: quality), quality: closeness)
            }
        } catch {
            throw error.problem
        }
    }

    var pictureFormat: PictureFormat { parameters.pictureFormat ?? .png }

    func response(
        _ outcomes: [(id: String, result: Result<Encoded, Problem>)],
        form: AnswerForm,
        format: PictureFormat,
        requestID: String
    ) throws(Problem) -> Response {
        var fields: HTTPFields = [:]
        fields[.uaeModel] = model.field
        fields[.contentType] = form.mediaType
        switch form {
        case .picture:
            let encoded = try outcomes[0].result.get()
            if let quality = encoded.quality { fields[.uaeQuality] = Self.field(quality) }
            return Response(status: 200, fields: fields, body: encoded.file)
        case .json:
            return Response(status: 200, fields: fields, body: json(outcomes, format: format).text)
        case .pictures, .tensor, .svg:
            let boundary = "uae-" + requestID.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }.prefix(48)
            fields[.contentType] = "multipart/mixed; boundary=\(boundary)"
            return Response(
                status: 200,
                fields: fields,
                body: multipart(outcomes, boundary: boundary, format: format)
            )
        }
    }

    /// The `UAE-Quality` field.
    ///
    /// Equal pictures are infinitely close, which a structured field cannot say in a number.
    static func field(_ quality: ReconstructionQuality) -> String {
        let psnr = quality.psnr.isFinite ? decimals(quality.psnr, 2) : "inf"
        return "psnr=\(psnr), ssim=\(decimals(quality.ssim, 4))"
    }

    private static func decimals(_ value: Double, _ count: Int) -> String {
        String(format: "%.\(count)f", value)
    }

    private func json(_ outcomes: [(id: String, result: Result<Encoded, Problem>)], format: PictureFormat) -> JSONValue
    {
        let items = outcomes.map { outcome -> JSONValue in
            switch outcome.result {
            case .failure(let problem): return ItemOutcome.json(id: outcome.id, problem: problem)
            case .success(let encoded):
                var members: [(String, JSONValue)] = [
                    ("id", .string(outcome.id)), ("status", 200),
                    ("content_type", .string(AnswerForm.picture(format).mediaType)),
                    ("data_b64", .string(Data(encoded.file).base64EncodedString())),
                ]
                if let quality = encoded.quality {
                    members.append(("quality", ["psnr": .number(quality.psnr), "ssim": .number(quality.ssim)]))
                }
                return .object(members)
            }
        }
        return ["model": .string(model.field), "items": .array(items)]
    }

    private func multipart(
        _ outcomes: [(id: String, result: Result<Encoded, Problem>)],
        boundary: String,
        format: PictureFormat
    ) -> [UInt8] {
        var body: [UInt8] = []
        for outcome in outcomes {
            // An id may come from a file name; in a header it must not break the line or the quotes.
            let name = outcome.id.map { $0.isASCII && !$0.isNewline && $0 != "\"" && $0 != "\\" ? $0 : "_" }
            var head = "--\(boundary)\r\nContent-Disposition: inline; name=\"\(String(name))\"\r\n"
            var content: [UInt8]
            switch outcome.result {
            case .success(let encoded):
                content = encoded.file
                head += "Content-Type: \(AnswerForm.picture(format).mediaType)\r\n"
                if let quality = encoded.quality { head += "UAE-Quality: \(Self.field(quality))\r\n" }
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
