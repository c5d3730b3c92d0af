// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import ImageCodec

/// The outcome of one item.
struct ItemOutcome: Sendable {
    let id: String
    let result: Result<Output, Problem>

    struct Output: Sendable {
        /// One result for each task of the item; two with `flip=both`.
        let results: [AutoencoderResult]
        /// The input of an image, for the quality of its reconstruction.
        let pixels: RGBImage?
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
