// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import ImageCodec

/// What is known of an item's input when its results are there.
enum ItemSource: Sendable {
    /// The image as the model sees it.
    case image(RGBImage)
    /// A latent, or the lowest coefficients of one.
    case latent(coefficientCount: Int)
    /// A square block of a latent's tokens.
    case compactTokens(count: Int)
    /// Two items.
    case mixture

    init(latent: AutoencoderTask.Input, tokenCount: Int) {
        switch latent {
        case .pixels, .latent: self = .latent(coefficientCount: tokenCount)
        case .frequencyTokens(_, let count): self = .latent(coefficientCount: count)
        case .compactTokens(_, let corner): self = .compactTokens(count: corner.side * corner.side)
        case .mixture: self = .mixture
        }
    }

    var pixels: RGBImage? {
        if case .image(let pixels) = self { pixels } else { nil }
    }
}

/// The outcome of one item.
struct ItemOutcome: Sendable {
    let id: String
    let result: Result<Output, Problem>

    struct Output: Sendable {
        /// One result for each task of the item: two with `flip=both`, one a level with a list of levels.
        let results: [AutoencoderResult]
        let source: ItemSource
    }

    var problem: Problem? {
        switch result {
        case .success: nil
        case .failure(let problem): problem
        }
    }

    /// The members of a failed item in a JSON response.
    static func json(id: String, problem: Problem) -> JSONValue {
        [
            "id": .string(id),
            "status": .integer(problem.kind.status),
            "problem": problem.json(requestID: nil),
        ]
    }
}
