// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import ImageCodec

/// One decoded image, and what is known of it.
struct Reconstruction: Sendable {
    let image: RGBImage
    /// The image that it is a reconstruction of; nil for latents, contributions and mixtures.
    let original: RGBImage?
    let latent: DecodedLatent

    /// How close it is to the original; nil if they differ in size.
    ///
    /// Work for the image threads.
    var quality: ReconstructionQuality? {
        guard let original, original.width == image.width, original.height == image.height else { return nil }
        return reconstructionQuality(original, image)
    }
}

extension ReconstructionQuality {
    /// The figures in a JSON response; the PSNR of equal images is null.
    var json: JSONValue { ["psnr": .number(psnr), "ssim": .number(ssim)] }
}

extension Decode {
    /// The images of an item, in the order of the response.
    func reconstructions(_ output: ItemOutcome.Output) throws(Problem) -> [Reconstruction] {
        let original = bands == nil ? output.source.pixels : nil
        var made: [Reconstruction] = []
        for (result, latent) in zip(output.results, try latents(of: output.source)) {
            guard let pixels = result.image else { throw Problem(.internalError, "The engine gave no image.") }
            let image = RGBImage(width: result.imageSide, height: result.imageSide, pixels: pixels)
            made.append(Reconstruction(image: image, original: original, latent: latent))
        }
        return made
    }

    /// An item that succeeded in a JSON response; the images of a list are its `levels`.
    func json(id: String, input: JSONValue? = nil, images: [[(String, JSONValue)]]) -> JSONValue {
        var members: [(String, JSONValue)] = [("id", .string(id)), ("status", 200)]
        if let input { members.append(("input", input)) }
        if cut.levels == nil {
            members += images.joined()
        } else {
            members.append(("levels", .array(images.map(JSONValue.object))))
        }
        return .object(members)
    }
}

/// Encodes an image as a file; work for the image threads.
func imageFile(_ image: RGBImage, as format: ImageFormat, quality: Int) throws(Problem) -> [UInt8] {
    do throws(ImageEncodeError) {
        switch format {
        case .png: return try encodePNG(image)
        case .jpeg: return try encodeJPEG(image, quality: quality)
        case .webp: return try encodeWebP(image, quality: quality)
        }
    } catch {
        throw error.problem
    }
}
