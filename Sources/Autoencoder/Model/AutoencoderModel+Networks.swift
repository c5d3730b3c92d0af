// SPDX-License-Identifier: Apache-2.0

package import TensorKernels

/// The networks by themselves, each on a whole batch.
extension AutoencoderModel {
    /// The input of the encoder's network for images, to compare it with other implementations.
    ///
    /// - Parameter pixels: `[imageSide, imageSide, 3]`.
    /// - Returns: `[3, encoderInputSide, encoderInputSide]`; empty if the count is wrong.
    package func encoderInput(of pixels: [UInt8]) -> [Float] {
        let side = configuration.encoderInputSide
        guard pixels.count == configuration.imageSide * configuration.imageSide * 3 else { return [] }
        return Self.floats(3 * side * side) { target in
            ComputeContext.run { context in
                let input = context.take(3 * side * side)
                preprocess(pixels, into: input, in: context)
                context.compute {
                    switch preprocessor.layout {
                    case .channelsFirst: target.update(from: input, count: 3 * side * side)
                    case .channelsLast: transpose(input, rows: side * side, columns: 3, into: target)
                    }
                }
            }
        }
    }

    /// The latents of a batch of images, each `[imageSide, imageSide, 3]`, without a cut.
    ///
    /// - Returns: `[images, channels, gridSide, gridSide]`.
    package func latents(ofBatch images: [[UInt8]], team: ComputeTeam = .solo) -> [Float] {
        let size = 3 * configuration.encoderInputSide * configuration.encoderInputSide
        return Self.floats(images.count * configuration.latentCount) { latents in
            ComputeContext.run(team: team) { context in
                let input = context.take(images.count * size)
                for (index, pixels) in images.enumerated() {
                    preprocess(pixels, into: input + index * size, in: context)
                }
                encode(input, images: images.count, into: latents, in: context)
            }
        }
    }

    /// The images of a batch of latents `[images, channels, gridSide, gridSide]`.
    ///
    /// - Returns: for each image `[3, outputSide, outputSide]`, neither clamped nor rounded.
    package func reconstructions(ofBatch latents: [Float], team: ComputeTeam = .solo) -> [[Float]] {
        let images = latents.count / configuration.latentCount
        var made: [[Float]] = []
        latents.withUnsafeBufferPointer { latents in
            guard let latents = latents.baseAddress else { return }
            ComputeContext.run(team: team) { context in
                decoder(latents, images: images, side: configuration.gridSide, in: context) { decoded in
                    context.compute { made = (0..<images).map { decoded.reconstruction($0) } }
                }
            }
        }
        return made
    }

    /// The logits of a batch of latents `[images, channels, gridSide, gridSide]`.
    ///
    /// - Returns: `[images, classCount]`.
    package func logits(ofBatch latents: [Float], team: ComputeTeam = .solo) -> [Float] {
        let images = latents.count / configuration.latentCount
        return Self.floats(images * classCount) { logits in
            latents.withUnsafeBufferPointer { latents in
                guard let latents = latents.baseAddress else { return }
                ComputeContext.run(team: team) { context in
                    head?(latents, images: images, into: logits, in: context)
                }
            }
        }
    }

    // MARK: Cost

    /// Multiplications and additions of one image's encoding, decoding and classification.
    var encodeOperations: Double {
        measure { context in
            let side = configuration.encoderInputSide
            let (input, latent) = (context.take(3 * side * side), context.take(configuration.latentCount))
            encode(input, images: 1, into: latent, in: context)
        }
    }

    var decodeOperations: Double {
        measure { context in
            let latent = context.take(configuration.latentCount)
            decoder(latent, images: 1, side: configuration.gridSide, in: context) { _ in }
        }
    }

    var headOperations: Double {
        measure { context in
            let (latent, logits) = (context.take(configuration.latentCount), context.take(classCount))
            head?(latent, images: 1, into: logits, in: context)
        }
    }

    private func measure(_ pass: (ComputeContext) -> Void) -> Double {
        ComputeContext.measure(team: .solo, pass).operations
    }

    // MARK: Steps

    private func encode(
        _ input: UnsafePointer<Float>,
        images: Int,
        into latents: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        encoder(input, images: images, into: latents, in: context)
        if let fftBands {
            fftBands(latents, images: images, keeping: fftBands.range(of: .all), in: context) { _, _ in }
        }
    }

    private func preprocess(_ pixels: [UInt8], into input: UnsafeMutablePointer<Float>, in context: ComputeContext) {
        pixels.withUnsafeBufferPointer { pixels in
            guard let start = pixels.baseAddress else { return }
            preprocessor(start, flipped: false, into: input, in: context)
        }
    }

    private static func floats(_ count: Int, _ fill: (UnsafeMutablePointer<Float>) -> Void) -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, filled in
            if let start = buffer.baseAddress { fill(start) }
            filled = count
        }
    }
}
