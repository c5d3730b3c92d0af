// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands

/// What an image was decoded from, as a response says it.
struct DecodedLatent: Sendable {
    /// The value of the `UAE-Latent` header.
    let header: String
    /// The same in JSON.
    let members: [(String, JSONValue)]
}

extension Decode {
    /// What each image of an item was decoded from, in their order.
    func latents(of source: ItemSource) throws(Problem) -> [DecodedLatent] {
        if let bands { return [bands.latent(of: model.configuration)] }
        guard let levels = cut.levels else { return [try latent(of: source)] }
        return try levels.map { level throws(Problem) in try at(level).latent(of: source) }
    }

    private func latent(of source: ItemSource) throws(Problem) -> DecodedLatent {
        let tokenCount = model.configuration.tokenCount
        let split: BandSplit?
        var count: Int
        switch source {
        case .image: (split, count) = (try cut.split(byDefault: cut.model.split), tokenCount)
        case .latent(let given): (split, count) = (try cut.split(byDefault: nil), given)
        case .compactTokens(let given): (split, count) = (nil, given)
        case .mixture: (split, count) = (nil, tokenCount)
        }
        if let split { count = split.keptCount(of: tokenCount) }
        // As much as `/encode?layout=freq_tokens` sends of it.
        let byteCount = model.configuration.channels * count * MemoryLayout<Float>.stride
        let keep = split?.count ?? count
        let members = split.members(keep: keep, order: cut.model.order) + ["bytes=\(byteCount)"]
        return DecodedLatent(
            header: members.joined(separator: ", "),
            members: [("keep", .integer(keep)), ("latent_bytes", .integer(byteCount))]
        )
    }
}

extension BandSplit {
    /// How many of `total` coefficients remain.
    fileprivate func keptCount(of total: Int) -> Int {
        switch mode {
        case .low, .high: count
        case .dropLow, .dropHigh: total - count
        }
    }
}

extension BandSplit? {
    /// The members of the `UAE-Latent` header about a cut, or about none.
    ///
    /// - Parameters:
    ///   - keep: the number of coefficients without a cut.
    ///   - order: that of the model.
    /// - Returns: `keep`, `order`, and what is not as usual.
    func members(keep: Int, order: FrequencyOrder) -> [String] {
        var members = ["keep=\(self?.count ?? keep)", "order=\(self?.order.rawValue ?? order.rawValue)"]
        if let self, self.mode != .low { members.append("mode=\(self.mode.rawValue)") }
        if let self, self.cutoff != .reorder1D { members.append("cutoff=\(self.cutoff.rawValue)") }
        return members
    }
}
