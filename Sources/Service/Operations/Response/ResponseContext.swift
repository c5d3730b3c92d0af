// SPDX-License-Identifier: Apache-2.0

/// What a response needs beside its operation and the results.
struct ResponseContext: Sendable {
    let model: ModelIdentity
    let requestID: String
    /// Encodes images and serialises large responses.
    let work: RequestWork
}

/// The model as responses name it.
struct ModelIdentity: Sendable {
    let name: String
    let revision: String
    let sha256: String

    /// The value of the `UAE-Model` header.
    var header: String { "\(name)@sha256:\(sha256)" }
}
