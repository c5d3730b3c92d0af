// SPDX-License-Identifier: Apache-2.0

import FrequencyBands

/// A task that has been checked against a model, with what the check worked out.
struct TaskPlan {
    /// The most bands that `FFTBandProjector` makes.
    private static let bandLimit = 64

    let task: AutoencoderTask
    /// Which coefficients stay; nil for no cut.
    let kept: [Bool]?
    /// Side of the token square that is decoded.
    let decodedSide: Int

    init(_ task: AutoencoderTask, model: AutoencoderModel) throws(TaskError) {
        let configuration = model.configuration
        guard !task.outputs.isEmpty else { throw .nothingAsked }
        var side = try Self.checkInput(task, model: model)
        if let split = task.split {
            do {
                kept = try model.frequency.kept(by: split)
            } catch {
                throw .split(error)
            }
        } else {
            kept = nil
        }
        if task.squareCompactDecode {
            guard let split = task.split, split.cutoff == .map2DSquare, split.mode == .low, split.count > 0 else {
                throw .compactDecodeNeedsSquare
            }
            guard model.decoder.decodesCompactly else { throw .compactDecodeUnavailable }
            side = min(side, split.count)
        }
        decodedSide = side
        try Self.checkOutputs(task, model: model)
        if let gains = task.gains {
            guard let bands = model.bandModule else { throw .gainsUnavailable }
            guard gains.count == bands.bandCount else {
                throw .gainCount(expected: bands.bandCount, found: gains.count)
            }
            if let index = gains.firstIndex(where: { !$0.isFinite }) { throw .gainNotFinite(index: index) }
        }
        if task.latentIsNormalized || task.normalizeLatent, configuration.normalization == nil {
            throw .normalizationUnavailable
        }
        self.task = task
    }

    /// - Returns: the side of the token grid that the input fills.
    private static func checkInput(_ task: AutoencoderTask, model: AutoencoderModel) throws(TaskError) -> Int {
        let configuration = model.configuration
        switch task.input {
        case .pixels(let pixels):
            let expected = configuration.imageSide * configuration.imageSide * 3
            guard pixels.count == expected else { throw .pixelCount(expected: expected, found: pixels.count) }
            return configuration.gridSide
        case .latent(let values):
            try check(values, count: configuration.latentCount)
        case .frequencyTokens(let values, let count):
            guard count >= 1, count <= configuration.tokenCount else {
                throw .frequencyTokenCount(found: count, minimum: 1, maximum: configuration.tokenCount)
            }
            try check(values, count: configuration.channels * count)
        case .compactTokens(let values, let side):
            guard side >= 1, side <= configuration.gridSide else {
                throw .compactSide(found: side, maximum: configuration.gridSide)
            }
            guard model.decoder.decodesCompactly, model.bandModule == nil else { throw .compactDecodeUnavailable }
            guard task.outputs.isSubset(of: .pictures), task.split == nil else { throw .compactTokensOnlyDecode }
            try check(values, count: configuration.channels * side * side)
            guard !task.flipped else { throw .needsPixels }
            return side
        }
        guard !task.flipped, task.outputs.isDisjoint(with: .ofImage) else { throw .needsPixels }
        return configuration.gridSide
    }

    private static func check(_ values: [Float], count: Int) throws(TaskError) {
        guard values.count == count else { throw .latentCount(expected: count, found: values.count) }
        if let index = values.firstIndex(where: { !$0.isFinite }) { throw .inputNotFinite(index: index) }
    }

    private static func checkOutputs(_ task: AutoencoderTask, model: AutoencoderModel) throws(TaskError) {
        if task.outputs.contains(.logits), !model.hasHead { throw .headUnavailable }
        if task.outputs.contains(.frequencyTokens) {
            let maximum = model.configuration.tokenCount
            guard task.frequencyTokenCount >= 1, task.frequencyTokenCount <= maximum else {
                throw .frequencyTokenCount(found: task.frequencyTokenCount, minimum: 1, maximum: maximum)
            }
        }
        let energies = task.outputs.intersection(.energies)
        guard energies.rawValue.nonzeroBitCount <= 1 else { throw .severalEnergies }
        let usesBands = energies == .fftEnergies || energies == .imageFFTEnergies
        guard !usesBands || (1...bandLimit).contains(task.fftBandCount) else {
            throw .bands(.bandCountOutOfRange(count: task.fftBandCount, limit: bandLimit))
        }
    }

    /// The radial bands whose energies are wanted; made when they are needed, as a picture's take milliseconds.
    func energyBands(_ transform: SpectralTransform) throws(TaskError) -> FFTBandProjector {
        do {
            return try FFTBandProjector(transform: transform, bandCount: task.fftBandCount)
        } catch {
            throw .bands(error)
        }
    }
}
