// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands

/// The one image of two items.
struct MixedLatents: SecondPhase {
    static let itemCount = 2

    let split: BandSplit
    let rounding: AutoencoderTask.Rounding

    var outputs: AutoencoderTask.Outputs { .image }

    func taskCount(itemCount: Int) -> Int { itemCount / Self.itemCount }

    /// - Throws: the `Problem` of an item that failed, whatever `on_error` says: half a mixture is none.
    func items(after outcomes: [ItemOutcome]) throws(Problem) -> [SecondPhaseItem] {
        var latents: [[Float]] = []
        for outcome in outcomes {
            guard let latent = try outcome.result.get().results.first?.latent else {
                throw Problem(.internalError, "The engine gave no latent.")
            }
            latents.append(latent)
        }
        guard latents.count == Self.itemCount else { throw .mixtureItems(latents.count) }
        var task = AutoencoderTask(input: .mixture(latents[0], latents[1], split), outputs: outputs)
        task.rounding = rounding
        let ids = outcomes.map(\.id).joined(separator: "+")
        return [SecondPhaseItem(id: ids, work: .success(.init(tasks: [task], source: .mixture)))]
    }
}

extension Problem {
    /// A mixture of another number of items than two.
    static func mixtureItems(_ count: Int) -> Problem {
        let expected = MixedLatents.itemCount
        return Problem(
            .badParameter,
            "mix: it needs exactly \(expected) images or latents, the request has \(count).",
            [
                ("parameter", .string("mix")), ("allowed", .string("exactly \(expected) items")),
                ("expected", .integer(expected)), ("actual", .integer(count)),
            ]
        )
    }
}
