// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import HTTPWire
import ImageCodec

/// The response of `/decode?layout=sheet`: all images on one page, and their figures under them.
struct SheetResponse {
    let decode: Decode
    let context: ResponseContext
    let form: Decode.Form
    /// Of JPEG and WebP, 1...100.
    let quality: Int

    /// The most pixels of a page: 192 MB while it is drawn.
    private static let pixelLimit = 64_000_000

    private typealias MeasuredItem = (id: String, result: Result<Measured, Problem>)

    /// The images of one item.
    private struct Measured: Sendable {
        let input: RGBImage?
        let images: [(reconstruction: Reconstruction, quality: ReconstructionQuality?)]
    }

    func response(_ outcomes: [ItemOutcome]) async throws(Problem) -> Response {
        let work = context.work
        let items = try await work.map(outcomes) { outcome throws(Problem) -> MeasuredItem in
            switch outcome.result {
            case .failure(let problem): (outcome.id, .failure(problem))
            case .success(let output): (outcome.id, .success(try await measured(output)))
            }
        }
        let sheet = ContactSheet(items.map { Self.row($0, isTitled: items.count > 1) })
        let pixels = sheet.width * sheet.height
        guard pixels <= Self.pixelLimit else { throw Self.tooLarge(sheet) }
        let (format, quality) = (form.file, quality)
        let file = try await work.run(cost: Double(pixels)) { () throws(Problem) in
            guard sheet.hasMemory else { throw Self.withoutMemory(sheet) }
            return try imageFile(sheet.draw(), as: format, quality: quality)
        }
        var fields: HTTPFields = [:]
        fields[.uaeModel] = context.model.header
        fields[.contentType] = form.mediaType
        guard case .json = form else { return Response(status: 200, fields: fields, body: file) }
        return try await work.run(cost: RequestWork.Cost.parsing(byteCount: 2 * file.count)) { [fields] in
            Response(status: 200, fields: fields, body: json(items, file, format).text)
        }
    }

    private func measured(_ output: ItemOutcome.Output) async throws(Problem) -> Measured {
        let work = context.work
        let images = try await work.map(try decode.reconstructions(output)) { reconstruction throws(Problem) in
            let side = Double(reconstruction.image.width)
            return try await work.run(cost: side * side) { (reconstruction, reconstruction.quality) }
        }
        return Measured(input: output.source.pixels, images: images)
    }

    private static func tooLarge(_ sheet: ContactSheet) -> Problem {
        Problem(
            .tooManyPixels,
            "The sheet would have \(sheet.width) x \(sheet.height) pixels; at most \(pixelLimit) in all are allowed. "
                + "Send fewer items or levels.",
            [("limit", .integer(pixelLimit)), ("actual", .integer(sheet.width * sheet.height))]
        )
    }

    private static func withoutMemory(_ sheet: ContactSheet) -> Problem {
        Problem(
            .overloaded,
            "There is not enough memory for this sheet now; try again later, or send fewer items or levels.",
            [("bytes", .integer(sheet.memoryByteCount))]
        ).retrying(afterSeconds: 1)
    }

    // MARK: The page

    /// A row of the page; `isTitled`: with the id of its item above it.
    private static func row(_ item: MeasuredItem, isTitled: Bool) -> ContactSheet.Row {
        let title = isTitled ? [item.id] : []
        switch item.result {
        case .failure(let problem): return ContactSheet.Row(heading: title + [problem.kind.title])
        case .success(let measured):
            let input = measured.input.map { ContactSheet.Cell($0, lines: ["input"]) }
            let images = measured.images.map { image in
                let latent = image.reconstruction.latent
                return ContactSheet.Cell(
                    image.reconstruction.image,
                    lines: latent.captions + (image.quality.map { [decibels($0)] } ?? []) + [size(latent.byteCount)]
                )
            }
            return ContactSheet.Row(heading: title, cells: (input.map { [$0] } ?? []) + images)
        }
    }

    private static func decibels(_ quality: ReconstructionQuality) -> String {
        quality.psnr.isFinite ? String(format: "%.2f dB", quality.psnr) : "equal"
    }

    private static func size(_ byteCount: Int) -> String {
        byteCount < 1024 ? "\(byteCount) B" : "\(decimalText(Double(byteCount) / 1024, decimals: 1)) KB"
    }

    // MARK: JSON

    private func json(_ items: [MeasuredItem], _ file: [UInt8], _ format: ImageFormat) -> JSONValue {
        let items = items.map { item -> JSONValue in
            switch item.result {
            case .failure(let problem): return ItemOutcome.json(id: item.id, problem: problem)
            case .success(let measured):
                let figures = measured.images.map { image in
                    image.reconstruction.latent.members + (image.quality.map { [("quality", $0.json)] } ?? [])
                }
                return decode.json(id: item.id, images: figures)
            }
        }
        return .object(
            [("model", .string(context.model.header))] + ImageResponse.content(file, format)
                + [("items", .array(items))]
        )
    }
}
