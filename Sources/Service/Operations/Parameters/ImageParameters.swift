// SPDX-License-Identifier: Apache-2.0

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
            throw Self.lacksLineEnds(bytes) ? error.problem.blamingTextMode : error.problem
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

    /// Whether a text mode removed the line ends, as `curl -d @file` does: no image of this length is without.
    private static func lacksLineEnds(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.count >= 2048 && !bytes.contains(0x0A) && !bytes.contains(0x0D)
    }
}

extension Problem {
    fileprivate var blamingTextMode: Problem {
        guard kind == .imageUndecodable else { return self }
        var problem = self
        problem.detail += " It has no byte 0x0A or 0x0D: a text mode has removed them. \(ForeignFormat.textModeAdvice)"
        return problem
    }
}
