// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands
import ImageCodec

/// Turns one item and the request's parameters into the engine's task.
struct TaskBuilder {
    let model: AutoencoderModel
    let parameters: RequestParameters
    let maximumPixels: Int

    /// A task, and for pictures the pixels that went in (for the reconstruction's quality).
    struct Built: Sendable {
        var task: AutoencoderTask
        var pixels: RGBImage?
    }

    private var configuration: ModelConfiguration { model.configuration }

    /// The band split that the request asks for: its own parameters over the model's setting.
    ///
    /// - Returns: nil for no cut.
    /// - Throws: a `Problem` of kind `bad-parameter`.
    func split(isPicture: Bool) throws(Problem) -> BandSplit? {
        if parameters.appliesFrequency == false { return nil }
        let own = configuration.frequency.split
        guard parameters.splitIsGiven else {
            // The spectrum shows the encoder's whole latent, and a latent that came in has had its cut.
            return isPicture && parameters.operation != .spectrum ? own : nil
        }
        guard let count = parameters.keep ?? own?.count else {
            throw .conflict("keep", "this model has no cut of its own, so say how many coefficients are meant")
        }
        return BandSplit(
            mode: parameters.bandMode ?? own?.mode ?? .low,
            order: parameters.order ?? own?.order ?? configuration.frequency.order,
            cutoff: parameters.cutoff ?? own?.cutoff ?? .reorder1D,
            count: count
        )
    }

    /// The corner of tokens that is decoded: the authors' `decode_from_split_band`.
    ///
    /// Where the authors' decoder remembers the count of its last encode, ours takes the request's own: requests share
    /// nothing.
    ///
    /// - Returns: nil to decode all tokens.
    /// - Throws: a `Problem` of kind `bad-parameter` if the number of tokens is not a square.
    private func decodedCorner(_ split: BandSplit?) throws(Problem) -> TokenCorner? {
        guard parameters.operation == .decode else { return nil }
        let frequency = configuration.frequency
        let isAsked = parameters.decodesFromSplitBand ?? (parameters.decodeKeepCount != nil ? true : nil)
        guard isAsked ?? (frequency.decodeCount != nil && frequency.decodesCorner) else { return nil }
        // What is wrong with the cut is said first: its drop modes allow few counts.
        do {
            _ = try split?.keeps(height: configuration.gridSide, width: configuration.gridSide)
        } catch {
            throw error.problem
        }
        let mode = parameters.bandMode ?? frequency.mode
        var count = parameters.decodeKeepCount
        if count == nil, parameters.keep == nil { count = frequency.decodeCount }
        if count == nil, let cut = parameters.keep ?? frequency.count {
            count = mode == .low || mode == .high ? cut : configuration.tokenCount - cut
        }
        guard let count else {
            throw .conflict("decode_from_split_band", "this model has no cut, so give keep or decode_keep_count")
        }
        guard let side = squareRoot(count), side > 0 else {
            let total = configuration.tokenCount
            let nearest = nearestSquares(to: max(count, 1), limit: total).filter { $0 > 0 }
            if let keep = parameters.keep, keep == total - count {
                let allowed = nearest.map { "\(total - $0) (\($0) remain)" }.joined(separator: " or ")
                throw .badParameter(
                    "keep",
                    String(keep),
                    allowed: "a number that leaves a square number, such as \(allowed)"
                )
            }
            throw .notSquare(parameters.decodeKeepCount == nil ? "keep" : "decode_keep_count", count, nearest: nearest)
        }
        return TokenCorner(mode: mode, side: side)
    }

    /// Whether latents go out, or come in, normalised.
    ///
    /// - Throws: a `Problem` of kind `feature-unavailable` if normalisation is asked of a model without statistics.
    func isNormalized() throws(Problem) -> Bool {
        switch parameters.normalize {
        case .auto: return model.statistics != nil
        case .no: return false
        case .yes:
            guard model.statistics != nil else {
                throw .featureUnavailable("normalize=true needs statistics, which this model lacks.", missing: "stats")
            }
            return true
        }
    }

    /// Builds the task of one item.
    ///
    /// Decodes pictures, so it belongs on the picture pool.
    func build(_ item: InputItem) throws(Problem) -> Built {
        switch item.payload {
        case .unusable(let problem): throw problem
        case .latent(let input): return Built(task: try task(for: input, isPicture: false), pixels: nil)
        case .picture(let bytes, let range):
            let picture = try picture(bytes[range])
            return Built(task: try task(for: .pixels(picture.pixels), isPicture: true), pixels: picture)
        }
    }

    private func picture(_ bytes: ArraySlice<UInt8>) throws(Problem) -> RGBImage {
        let side = configuration.imageSide
        let limits = ImageLimits(maximumPixels: maximumPixels)
        let policy: EXIFPolicy = parameters.exif == .apply ? .apply : .ignore
        let preprocess = parameters.preprocess
        // `withUnsafeBytes` of a slice does not carry typed errors out.
        let outcome: Result<RGBImage, ImageDecodeError> = bytes.withUnsafeBytes { raw in
            do throws(ImageDecodeError) {
                switch preprocess {
                case .crop: return .success(try decodeCenterCropped(raw, to: side, limits: limits, exif: policy))
                case .squash: return .success(try decodeSquashed(raw, to: side, limits: limits, exif: policy))
                case .none: return .success(try decodeImage(raw, limits: limits, exif: policy))
                }
            } catch {
                return .failure(error)
            }
        }
        let image: RGBImage
        do {
            image = try outcome.get()
        } catch {
            throw error.problem
        }
        guard image.width == side, image.height == side else {
            throw Problem(
                .tensorShape,
                "preprocess=none takes pictures of \(side) x \(side) pixels, got \(image.width) x \(image.height).",
                [
                    ("expected", .array([.integer(side), .integer(side)])),
                    ("got", .array([.integer(image.width), .integer(image.height)])),
                ]
            )
        }
        return image
    }

    private func task(for input: AutoencoderTask.Input, isPicture: Bool) throws(Problem) -> AutoencoderTask {
        if let given = parameters.bands, let own = configuration.frequency.bands?.schedule.count, given != own,
            parameters.transform == .fft, parameters.source == .latent
        {
            throw .badParameter("bands", String(given), allowed: "\(own), the FFT bands of this model")
        }
        if configuration.frequency.bands != nil, parameters.operation == .spectrum, parameters.transform == .fft,
            parameters.source == .latent, parameters.splitIsGiven
        {
            throw .conflict("transform", "the FFT bands of this model are not cut, so keep and its like mean nothing")
        }
        var task = AutoencoderTask(input: input, outputs: outputs)
        task.split = try split(isPicture: isPicture)
        // The square has been cut out already: its side is the tensor's.
        if case .compactTokens(_, let corner) = input {
            try checkCompactTokens(corner)
            task.split = nil
        } else {
            task.decodedCorner = try decodedCorner(task.split)
        }
        task.latentIsNormalized = isPicture ? false : try isNormalized()
        task.normalizeLatent = try isNormalized()
        task.frequencyRatio = parameters.frequencyRatio
        // As the authors' code has it, a ratio turns the module on again.
        task.appliesBands = parameters.appliesFrequency ?? true || parameters.frequencyRatio != nil
        task.fftBandCount = parameters.bands ?? SpectrumAnswer.defaultBandCount
        task.flipped = parameters.flip == .horizontal
        task.rounding = parameters.rounding == .trunc ? .trunc : .round
        if parameters.layout == .freqTokens {
            task.frequencyTokenCount = frequencyTokenCount
            task.split = nil
        }
        return task
    }

    /// Coefficients of each channel in `freq_tokens`: the request's, else those of a model that keeps the lowest.
    var frequencyTokenCount: Int {
        if let keep = parameters.keep { return keep }
        guard parameters.appliesFrequency != false, let own = configuration.frequency.split, own.mode == .low,
            own.cutoff == .reorder1D
        else { return configuration.tokenCount }
        return own.count
    }

    /// A block of tokens that comes in has had its cut; parameters that say another thing than its size are refused.
    private func checkCompactTokens(_ corner: TokenCorner) throws(Problem) {
        let count = corner.side * corner.side
        if parameters.decodesFromSplitBand == false {
            throw .conflict("decode_from_split_band", "a block of \(corner.side)x\(corner.side) tokens was sent")
        }
        if parameters.order != nil { throw .conflict("freq_order", "a block of tokens has had its cut") }
        for (name, given) in [("keep", parameters.keep), ("decode_keep_count", parameters.decodeKeepCount)] {
            if let given, given != count {
                throw .badParameter(name, String(given), allowed: "\(count), the tokens that were sent")
            }
        }
    }

    /// What the engine is asked for.
    var outputs: AutoencoderTask.Outputs {
        switch parameters.operation {
        case .encode:
            if parameters.pool == .mean { return .pooled }
            return parameters.layout == .freqTokens ? .frequencyTokens : .latent
        case .decode: return .picture
        case .spectrum:
            switch (parameters.source, parameters.transform) {
            case (.latent, .dct): return .coefficientEnergies
            case (.latent, .fft): return .fftEnergies
            case (.image, .dct): return .imageEnergies
            case (.image, .fft): return .imageFFTEnergies
            }
        case .classify: return .logits
        }
    }
}

extension Problem {
    static func featureUnavailable(_ detail: String, missing: String) -> Problem {
        Problem(.featureUnavailable, detail, [("missing", .string(missing))])
    }
}
