// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HTTPWire
import ImageCodec

/// How an image in a request becomes a square of the model's size: `preprocess`, `exif`.
struct ImageParameters: Sendable {
    static let names = ["preprocess", "exif"]

    private enum Preprocess: String, CaseIterable {
        case crop
        case squash
        case none
    }

    private enum EXIF: String, CaseIterable {
        case apply
        case ignore
    }

    private let preprocess: Preprocess
    private let exif: EXIFPolicy

    init(_ given: ParameterSet) throws(Problem) {
        preprocess = try given.choice("preprocess", Preprocess.self) ?? .crop
        exif = try given.choice("exif", EXIF.self) == .ignore ? .ignore : .apply
    }

    /// Decodes a JPEG, PNG or WebP to `side` x `side` pixels; work for the image threads.
    func decode(_ bytes: ArraySlice<UInt8>, side: Int, limits: ImageLimits) throws(Problem) -> RGBImage {
        // `withUnsafeBytes` of a slice does not carry typed errors out.
        let outcome: Result<RGBImage, ImageDecodeError> = bytes.withUnsafeBytes { raw in
            do throws(ImageDecodeError) {
                switch preprocess {
                case .crop: return .success(try decodeCenterCropped(raw, to: side, limits: limits, exif: exif))
                case .squash: return .success(try decodeSquashed(raw, to: side, limits: limits, exif: exif))
                case .none: return .success(try decodeImage(raw, limits: limits, exif: exif))
                }
            } catch {
                return .failure(error)
            }
        }
        let image: RGBImage
        do {
            image = try outcome.get()
        } catch {
            // Without these bytes anything may be found wrong with the file, none of which is the cause.
            throw Self.isStripped(bytes) ? .stripped(byteCount: bytes.count) : error.problem
        }
        guard image.width == side, image.height == side else {
            throw Problem(
                .tensorShape,
                "preprocess=none takes images of \(side) x \(side) pixels, got \(image.width) x \(image.height).",
                [
                    ("expected", .array([.integer(side), .integer(side)])),
                    ("got", .array([.integer(image.width), .integer(image.height)])),
                ]
            )
        }
        return image
    }

    /// Whether a text mode removed NUL and line ends, as `curl -d @file` does: the lengths in every image hold NUL.
    private static func isStripped(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.count >= 256 && !bytes.contains { $0 == 0x00 || $0 == 0x0A || $0 == 0x0D }
    }
}

extension Problem {
    fileprivate static func stripped(byteCount: Int) -> Problem {
        .undecodable(
            "The image has no byte 0x00, 0x0A or 0x0D: a text mode has removed them. \(ForeignFormat.textModeAdvice)",
            expected: "the bytes of the file as they are",
            got: "\(byteCount) bytes, none of them 0x00, 0x0A or 0x0D"
        )
    }

    /// Adds the cause that the content type of an image suggests: `curl -d` and `curl --data-binary` send it by default.
    func suspectingTextMode(_ request: Request) -> Problem {
        guard kind == .imageUndecodable, !detail.contains(ForeignFormat.textModeAdvice),
            let type = request.head.fields[.contentType].flatMap(MediaType.init(parsing:)),
            type.essence == "application/x-www-form-urlencoded", ImageFormat.sniff(request.body[...]) != nil
        else { return self }
        var problem = self
        problem.detail += " If curl -d sent it, bytes were removed: use --data-binary."
        return problem
    }
}
