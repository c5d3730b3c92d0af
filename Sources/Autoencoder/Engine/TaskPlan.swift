// SPDX-License-Identifier: Apache-2.0

import FrequencyBands

/// A task that was checked against an engine's model, with the results of the check.
///
/// Made by ``AutoencoderEngine/plan(_:)``, once for each task; only that engine can run it.
package struct TaskPlan: Sendable {
    /// The most rings that a spectrum is divided into.
    private static let bandLimit = 64

    private(set) var task: AutoencoderTask
    /// Whether each coefficient is kept; nil for no cut.
    let kept: [Bool]?
    /// Whether a mixture takes each coefficient from its first latent; nil for other inputs.
    let mixed: [Bool]?
    /// The corner of tokens that is decoded; nil for all of them.
    let corner: TokenCorner?
    /// The task's work in units of one encoding.
    package let cost: Double

    init(_ task: AutoencoderTask, model: AutoencoderModel, cost: Double) throws(TaskError) {
        let configuration = model.configuration
        guard !task.outputs.isEmpty else { throw .nothingAsked }
        let given = try Self.checkInput(task, model: model)
        kept = try Self.kept(by: task.cut, model: model)
        if case .mixture(_, _, let split) = task.input {
            mixed = try Self.kept(by: .split(split), model: model)
        } else {
            mixed = nil
        }
        if let wanted = task.decodedCorner, given == nil, wanted.side != configuration.gridSide {
            try Self.check(wanted, model: model)
            corner = wanted
        } else {
            corner = given
        }
        if corner != nil, task.outputs.contains(.contribution) { throw .compactContribution }
        try Self.checkOutputs(task, model: model)
        try Self.checkBands(task, model: model)
        if task.latentIsNormalized || task.normalizeLatent, configuration.normalization == nil {
            throw .normalizationUnavailable
        }
        self.task = task
        self.cost = cost
    }

    /// The same task for a latent of zeros; nil for pixels, whose values are bounded.
    var withZeros: TaskPlan? {
        var plan = self
        func zeros(_ values: [Float]) -> [Float] { [Float](repeating: 0, count: values.count) }
        switch task.input {
        case .pixels: return nil
        case .latent(let values): plan.task.input = .latent(zeros(values))
        case .frequencyTokens(let values, let count):
            plan.task.input = .frequencyTokens(zeros(values), count: count)
        case .compactTokens(let values, let corner): plan.task.input = .compactTokens(zeros(values), corner)
        case .mixture(let first, let second, let split):
            plan.task.input = .mixture(zeros(first), zeros(second), split)
        }
        return plan
    }

    private static func kept(by cut: CoefficientCut?, model: AutoencoderModel) throws(TaskError) -> [Bool]? {
        guard let cut else { return nil }
        do {
            return try model.latentDCT.kept(by: cut)
        } catch {
            throw .cut(error)
        }
    }

    /// - Returns: the corner that the input fills; nil for the whole grid.
    private static func checkInput(
        _ task: AutoencoderTask,
        model: AutoencoderModel
    ) throws(TaskError) -> TokenCorner? {
        let configuration = model.configuration
        switch task.input {
        case .pixels(let pixels):
            let expected = configuration.imageSide * configuration.imageSide * 3
            guard pixels.count == expected else { throw .pixelCount(expected: expected, found: pixels.count) }
            return nil
        case .latent(let values):
            try check(values, count: configuration.latentCount)
        case .frequencyTokens(let values, let count):
            guard count >= 1, count <= configuration.tokenCount else {
                throw .frequencyTokenCount(found: count, minimum: 1, maximum: configuration.tokenCount)
            }
            try check(values, count: configuration.channels * count)
        case .compactTokens(let values, let corner):
            try check(corner, model: model)
            guard task.outputs.isSubset(of: .images), task.cut == nil else { throw .compactTokensOnlyDecode }
            try check(values, count: configuration.channels * corner.side * corner.side)
            guard !task.flipped else { throw .needsPixels }
            return corner
        case .mixture(let first, let second, _):
            for values in [first, second] { try check(values, count: configuration.latentCount) }
        }
        guard !task.flipped, task.outputs.isDisjoint(with: .ofImage) else { throw .needsPixels }
        return nil
    }

    private static func check(_ corner: TokenCorner, model: AutoencoderModel) throws(TaskError) {
        guard corner.side >= 1, corner.side <= model.configuration.gridSide else {
            throw .compactSide(found: corner.side, maximum: model.configuration.gridSide)
        }
        guard model.decoder.decodesCompactly else { throw .compactDecodeUnavailable }
    }

    private static func checkBands(_ task: AutoencoderTask, model: AutoencoderModel) throws(TaskError) {
        switch task.bands {
        case nil, .all: break
        case .ratio(let ratio):
            guard model.fftBands != nil else { throw .bandsUnavailable }
            guard (0...1).contains(ratio) else { throw .frequencyRatioOutOfRange(ratio) }
            guard task.input.isPixels else { throw .frequencyRatioNeedsPixels }
        case .only(let band):
            guard let bands = model.fftBands else { throw .bandsUnavailable }
            guard (0..<bands.bandCount).contains(band) else {
                throw .bandOutOfRange(band: band, count: bands.bandCount)
            }
            guard task.input.isPixels else { throw .bandNeedsPixels }
        }
        if model.fftBands != nil, task.outputs.contains(.fftEnergies) {
            guard task.input.isPixels else { throw .bandEnergiesNeedPixels }
            guard task.bands != nil else { throw .bandEnergiesNeedBands }
        }
    }

    private static func check(_ values: [Float], count: Int) throws(TaskError) {
        guard values.count == count else { throw .latentCount(expected: count, found: values.count) }
        if let index = values.firstIndex(where: { !$0.isFinite }) { throw .inputNotFinite(index: index) }
    }

    private static func checkOutputs(_ task: AutoencoderTask, model: AutoencoderModel) throws(TaskError) {
        if task.outputs.contains(.logits), !model.hasHead { throw .headUnavailable }
        if task.outputs.isSuperset(of: [.image, .contribution]) { throw .severalImages }
        if task.outputs.contains(.frequencyTokens) {
            let maximum = model.configuration.tokenCount
            guard task.frequencyTokenCount >= 1, task.frequencyTokenCount <= maximum else {
                throw .frequencyTokenCount(found: task.frequencyTokenCount, minimum: 1, maximum: maximum)
            }
        }
        for energies in [AutoencoderTask.Outputs.ofLatent, .ofImage] where energies.isSubset(of: task.outputs) {
            throw .severalEnergies
        }
        let usesBands = !task.outputs.isDisjoint(with: [.fftEnergies, .imageFFTEnergies])
        guard !usesBands || (1...bandLimit).contains(task.fftBandCount) else {
            throw .bands(.bandCountOutOfRange(count: task.fftBandCount, limit: bandLimit))
        }
    }
}
