// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

extension HTTPField.Name {
    static let shape = named("Shape")
    static let dtype = named("Dtype")
    static let uaeModel = named("UAE-Model")
    static let uaeLatent = named("UAE-Latent")
    static let uaeQuality = named("UAE-Quality")
    static let uaeFailed = named("UAE-Failed")
    static let requestID = named("Request-Id")
    static let serverTiming = named("Server-Timing")

    private static func named(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("\(name) is not a field name") }
        return name
    }
}
