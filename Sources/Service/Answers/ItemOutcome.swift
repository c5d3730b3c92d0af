// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import ImageCodec

/// What became of one item: the engine's results (two with `flip=both`) or its problem.
struct ItemOutcome: Sendable {
    let id: String
    let result: Result<Answer, Problem>

    struct Answer: Sendable {
        let results: [AutoencoderResult]
        /// What went in, for the reconstruction's quality.
        let pixels: RGBImage?
    }

    var problem: Problem? {
        switch result {
        case .success: nil
        case .failure(let problem): problem
        }
    }

    /// The members of a failed item in a JSON answer.
    static func json(id: String, problem: Problem) -> JSONValue {
        [
            "id": .string(id),
            "status": .integer(problem.kind.status),
            "problem": problem.json(requestID: nil),
        ]
    }
}
