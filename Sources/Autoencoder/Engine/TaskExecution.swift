// SPDX-License-Identifier: Apache-2.0

import FrequencyBands

/// One task, step by step.
///
/// It runs as a batch of one image.
struct TaskExecution {
    let model: AutoencoderModel
    let context: ComputeContext

    private var configuration: ModelConfiguration { model.configuration }
    private var latentCount: Int { configuration.latentCount }

    func result(of plan: TaskPlan) throws(TaskError) -> AutoencoderResult {
        try context.scope { () throws(TaskError) in
            var result = AutoencoderResult()
            let task = plan.task
            if case .pixels(let pixels) = task.input, !task.outputs.isDisjoint(with: .ofImage) {
                result.imageEnergies = imageEnergies(pixels, plan)
            }
            if task.outputs == .logits, let logits = logitsWithoutLatent(plan) {
                result.logits = logits
            } else if !task.outputs.subtracting(.ofImage).isEmpty {
                let latent = context.take(latentCount)
                fill(latent, from: plan, into: &result)
                if let kept = plan.kept { model.latentDCT.cut(latent, keeping: kept, in: context) }
                describe(latent, plan, into: &result)
                if !task.outputs.isDisjoint(with: [.image, .reconstruction]) {
                    guard decode(latent, plan, into: &result) else { throw .resultNotFinite }
                }
                if task.outputs.contains(.contribution) {
                    guard contribute(latent, plan, into: &result) else { throw .resultNotFinite }
                }
            }
            guard result.isFinite else { throw .resultNotFinite }
            return result
        }
    }

    /// The logits of an image whose latent is not needed, because the head reads only the embedding packed into it.
    ///
    /// - Returns: nil where the head needs the latent itself.
    private func logitsWithoutLatent(_ plan: TaskPlan) -> [Float]? {
        guard case .pixels(let pixels) = plan.task.input, plan.kept == nil,
            case .lite(let encoder) = model.encoder, let head = model.head, head.source == .embedding
        else { return nil }
        return context.scope {
            let embedding = context.take(encoder.packing.embeddingCount)
            withInput(pixels, flipped: plan.task.flipped) { input in
                encoder.embed(input, images: 1, into: embedding, in: context)
            }
            return floats(head.classCount) { logits in
                head.classify(embedding, images: 1, into: logits, in: context)
            }
        }
    }

    /// Lends the input of the encoder's network for an image.
    private func withInput(_ pixels: [UInt8], flipped: Bool, _ body: (UnsafePointer<Float>) -> Void) {
        context.scope {
            let input = context.take(3 * configuration.encoderInputSide * configuration.encoderInputSide)
            pixels.withUnsafeBufferPointer { pixels in
                guard let start = pixels.baseAddress else { return }
                model.preprocessor(start, flipped: flipped, into: input, in: context)
            }
            body(input)
        }
    }

    // MARK: Into the latent

    private func fill(
        _ latent: UnsafeMutablePointer<Float>,
        from plan: TaskPlan,
        into result: inout AutoencoderResult
    ) {
        let task = plan.task
        let whole = TokenCorner(position: .topLeft, side: configuration.gridSide)
        switch task.input {
        case .pixels(let pixels):
            withInput(pixels, flipped: task.flipped) { input in
                model.encoder(input, images: 1, into: latent, in: context)
            }
            if let bands = model.fftBands, let kept = task.bands {
                bands(latent, images: 1, keeping: bands.range(of: kept), in: context) { _, mixed in
                    if task.outputs.contains(.fftEnergies) { result.energies = bands.energies(ofBands: mixed) }
                }
            }
        case .latent(let values):
            fill(latent, with: values, of: whole, task)
        case .frequencyTokens(let values, let count):
            values.withUnsafeBufferPointer { values in
                guard let start = values.baseAddress else { return }
                model.latentDCT.latent(of: start, count: count, into: latent, in: context)
            }
        case .compactTokens(let values, let corner):
            fill(latent, with: values, of: corner, task)
        case .mixture(let first, let second, _):
            fill(latent, with: second, of: whole, task)
            context.scope {
                let other = context.take(latentCount)
                fill(other, with: first, of: whole, task)
                if let mixed = plan.mixed { model.latentDCT.mix(other, into: latent, replacing: mixed, in: context) }
            }
        }
    }

    /// Takes over the tokens of one corner of a latent, or of all of it.
    private func fill(
        _ latent: UnsafeMutablePointer<Float>,
        with values: [Float],
        of corner: TokenCorner,
        _ task: AutoencoderTask
    ) {
        context.compute {
            latent.update(from: values, count: values.count)
            if task.latentIsNormalized {
                model.statistics?.undo(latent, corner: corner, gridSide: configuration.gridSide)
            }
        }
    }

    // MARK: Out of the latent

    private func describe(
        _ latent: UnsafeMutablePointer<Float>,
        _ plan: TaskPlan,
        into result: inout AutoencoderResult
    ) {
        let task = plan.task
        if task.outputs.contains(.latent) {
            result.latent = floats(latentCount) { values in
                context.compute {
                    values.update(from: latent, count: latentCount)
                    if task.normalizeLatent { model.statistics?.normalize(values) }
                }
            }
        }
        if task.outputs.contains(.pooled) {
            result.pooled = floats(configuration.channels) { values in
                context.compute {
                    meanOfPlanes(
                        latent,
                        channels: configuration.channels,
                        tokenCount: configuration.tokenCount,
                        into: values
                    )
                }
            }
        }
        if !task.outputs.isDisjoint(with: [.frequencyTokens, .coefficientEnergies]) {
            context.scope {
                let coefficients = context.take(latentCount)
                model.latentDCT.transform(latent, into: coefficients, in: context)
                if task.outputs.contains(.frequencyTokens) {
                    let count = task.frequencyTokenCount
                    result.frequencyTokens = floats(configuration.channels * count) { values in
                        model.latentDCT.tokens(of: coefficients, count: count, into: values, in: context)
                    }
                }
                if task.outputs.contains(.coefficientEnergies) {
                    result.energies = context.compute(whenMeasuring: []) {
                        coefficientEnergies(
                            coefficients,
                            channels: configuration.channels,
                            order: model.latentDCT.order
                        )
                    }
                }
            }
        }
        if task.outputs.contains(.fftEnergies), model.fftBands == nil {
            result.energies = context.compute(whenMeasuring: []) {
                ringEnergies(
                    latent,
                    channels: configuration.channels,
                    bandCount: task.fftBandCount,
                    transform: model.latentFFT
                )
            }
        }
        if task.outputs.contains(.logits), let head = model.head {
            result.logits = floats(head.classCount) { logits in
                head(latent, images: 1, into: logits, in: context)
            }
        }
    }

    /// - Returns: false if a value of the image is not finite.
    private func decode(
        _ latent: UnsafePointer<Float>,
        _ plan: TaskPlan,
        into result: inout AutoencoderResult
    ) -> Bool {
        var made = AutoencoderResult()
        var isFinite = true
        withDecoded(latent, plan) { output in
            made.imageSide = output.side
            guard !context.isMeasuring else { return }
            if plan.task.outputs.contains(.reconstruction) {
                made.reconstruction = output.reconstruction(0)
            }
            if plan.task.outputs.contains(.image) {
                made.image = output.bytes(0, rounding: plan.task.rounding)
                isFinite = made.image != nil
            }
        }
        result.imageSide = made.imageSide
        result.reconstruction = made.reconstruction
        result.image = made.image
        return isFinite
    }

    /// Decodes the latent and the empty one, and draws what the first adds to the second.
    ///
    /// - Returns: false if a value of an image is not finite.
    private func contribute(
        _ latent: UnsafePointer<Float>,
        _ plan: TaskPlan,
        into result: inout AutoencoderResult
    ) -> Bool {
        context.scope {
            let empty = context.take(latentCount)
            context.compute { empty.update(repeating: 0, count: latentCount) }
            if let bands = model.fftBands, case .only = plan.task.bands {
                bands(empty, images: 1, keeping: 0..<0, in: context) { _, _ in }
            }
            let base = context.take(3 * configuration.outputSide * configuration.outputSide)
            withDecoded(empty, plan) { output in
                guard !context.isMeasuring else { return }
                output.copyReconstruction(0, into: base)
            }
            var made = AutoencoderResult()
            withDecoded(latent, plan) { output in
                made.imageSide = output.side
                guard !context.isMeasuring else { return }
                made.image = output.contribution(0, beyond: base, rounding: plan.task.rounding)
            }
            result.imageSide = made.imageSide
            result.image = made.image
            return context.isMeasuring || made.image != nil
        }
    }

    /// Decodes the tokens of a latent that the task asks for, and lends the image to `body`.
    private func withDecoded(
        _ latent: UnsafePointer<Float>,
        _ plan: TaskPlan,
        _ body: (DecodedImages) -> Void
    ) {
        context.scope {
            let tokens = context.take(latentCount)
            let side = plan.corner?.side ?? configuration.gridSide
            context.compute {
                if case .compactTokens = plan.task.input {
                    tokens.update(from: latent, count: configuration.channels * side * side)
                } else {
                    tokens.update(from: latent, count: latentCount)
                    if let corner = plan.corner { crop(tokens, to: corner) }
                }
            }
            model.decoder(tokens, images: 1, side: side, in: context, body)
        }
    }

    /// Keeps the tokens of one corner of a latent, in place: `[channels, side, side]`.
    private func crop(_ latent: UnsafeMutablePointer<Float>, to corner: TokenCorner) {
        let (gridSide, side) = (configuration.gridSide, corner.side)
        let origin = corner.origin(gridSide: gridSide)
        for channel in 0..<configuration.channels {
            for y in 0..<side {
                // Every row moves towards the front, so nothing is overwritten before it is read.
                (latent + (channel * side + y) * side)
                    .update(from: latent + (channel * gridSide + origin + y) * gridSide + origin, count: side)
            }
        }
    }

    // MARK: Spectra

    private func imageEnergies(_ pixels: [UInt8], _ plan: TaskPlan) -> [Double] {
        context.scope {
            let side = configuration.imageSide
            let planes = context.take(3 * side * side)
            return context.compute(whenMeasuring: []) {
                for place in 0..<side * side {
                    for colour in 0..<3 {
                        planes[colour * side * side + place] = Float(pixels[place * 3 + colour]) / 255
                    }
                }
                if plan.task.outputs.contains(.imageFFTEnergies) {
                    return ringEnergies(
                        planes,
                        channels: 3,
                        bandCount: plan.task.fftBandCount,
                        transform: model.imageFFT
                    )
                }
                model.imageDCT.forward(planes, channels: 3, into: planes)
                return coefficientEnergies(planes, channels: 3, order: model.imageOrder)
            }
        }
    }

    private func floats(_ count: Int, _ fill: (UnsafeMutablePointer<Float>) -> Void) -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, filled in
            if let start = buffer.baseAddress {
                if context.isMeasuring { start.initialize(repeating: 0, count: count) }
                fill(start)
            }
            filled = count
        }
    }
}
