// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands

/// What an image was decoded from, as a response says it: in a header, in JSON, and in words under the image.
struct DecodedLatent: Sendable {
    enum Value: Sendable {
        case integer(Int)
        case text(String)

        var json: JSONValue {
            switch self {
            case .integer(let number): .integer(number)
            case .text(let text): .string(text)
            }
        }
    }

    /// Which part of the latent, by the names of the parameters that ask for it.
    let part: [(name: String, value: Value)]
    /// How coefficients were counted.
    let counting: [(name: String, value: String)]
    /// As many as `/encode?layout=freq_tokens` sends of it.
    let byteCount: Int

    init(
        _ part: [(name: String, value: Value)],
        counting: [(name: String, value: String)],
        coefficientCount: Int,
        of model: ModelConfiguration
    ) {
        self.part = part
        self.counting = counting
        byteCount = model.channels * coefficientCount * MemoryLayout<Float>.stride
    }

    private var words: [(name: String, value: String)] {
        part.map { name, value in
            switch value {
            case .integer(let number): (name, String(number))
            case .text(let text): (name, text)
            }
        } + counting
    }

    /// The value of the `UAE-Latent` header.
    var header: String {
        (words + [("bytes", String(byteCount))]).map { "\($0.name)=\($0.value)" }.joined(separator: ", ")
    }

    /// The same in JSON, without how coefficients were counted.
    var members: [(String, JSONValue)] {
        part.map { ($0.name, $0.value.json) } + [("latent_bytes", .integer(byteCount))]
    }

    /// The lines under an image, such as `keep 16`; the order is that of the whole page.
    var captions: [String] {
        words.filter { $0.name != "order" }.map { "\($0.name) \($0.value)" }
    }
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
        let count: Int
        switch source {
        case .image: (split, count) = (try cut.split(byDefault: cut.model.split), tokenCount)
        case .latent(let given): (split, count) = (try cut.split(byDefault: nil), given)
        case .compactTokens(let given): (split, count) = (nil, given)
        case .mixture: (split, count) = (nil, tokenCount)
        }
        return DecodedLatent(
            [("keep", .integer(split?.count ?? count))],
            counting: split.counting(order: cut.model.order),
            coefficientCount: split?.keptCount(of: tokenCount) ?? count,
            of: model.configuration
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
    /// The members of the `UAE-Latent` header that say how coefficients were counted.
    ///
    /// - Parameter order: that of the model, which holds without a cut too.
    /// - Returns: `order`, and `mode` and `cutoff` where they are not as usual.
    func counting(order: FrequencyOrder) -> [(name: String, value: String)] {
        var members = [(name: "order", value: self?.order.rawValue ?? order.rawValue)]
        if let self, self.mode != .low { members.append(("mode", self.mode.rawValue)) }
        if let self, self.cutoff != .reorder1D { members.append(("cutoff", self.cutoff.rawValue)) }
        return members
    }
}
