// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands

/// One latent, decoded once for each level of a list.
struct DecodedLevels: SecondPhase {
    /// The request, at each level alone.
    let singles: [Decode]

    var outputs: AutoencoderTask.Outputs { .image }

    func taskCount(itemCount: Int) -> Int { itemCount * singles.count }

    func items(after outcomes: [ItemOutcome]) throws(Problem) -> [SecondPhaseItem] {
        outcomes.map { outcome in
            outcome.followed { output throws(Problem) in
                guard let latent = output.results.first?.latent else {
                    throw Problem(.internalError, "The engine gave no latent.")
                }
                return try singles.map { single throws(Problem) in
                    var task = try single.task(for: .latent(latent))
                    // The bands act while an image is encoded, and the first phase undid the normalisation.
                    task.bands = .all
                    task.latentIsNormalized = false
                    return task
                }
            }
        }
    }
}

extension Decode {
    /// Refuses a level that its second phase would refuse, before the first is run.
    func checkLevel() throws(Problem) {
        let split = try cut.split(byDefault: nil)
        let gridSide = model.configuration.gridSide
        do {
            _ = try split?.keeps(height: gridSide, width: gridSide)
        } catch {
            throw error.problem
        }
        if let corner = try decodedCorner(split), corner.side != gridSide, !model.decodesCompactly {
            throw TaskError.compactDecodeUnavailable.problem
        }
    }
}
