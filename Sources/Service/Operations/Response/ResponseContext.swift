// SPDX-License-Identifier: Apache-2.0

import Autoencoder

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
    /// Files besides the weights that change numbers: their use, and what they hold.
    let parts: [(use: String, value: String)]

    init(_ model: AutoencoderModel) {
        name = model.configuration.name
        revision = model.configuration.revision
        sha256 = model.weightsSHA256
        var parts: [(use: String, value: String)] = []
        if let head = model.headFile { parts.append(("head", "\(head.name)@sha256:\(head.sha256)")) }
        if let statistics = model.statistics { parts.append(("stats", statistics.identifier)) }
        self.parts = parts
    }

    /// The value of the `UAE-Model` header.
    var header: String {
        parts.reduce("\(name)@sha256:\(sha256)") { "\($0); \($1.use)=\($1.value)" }
    }
}
