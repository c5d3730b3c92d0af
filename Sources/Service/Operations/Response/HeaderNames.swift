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
    static let referrerPolicy = named("Referrer-Policy")
    static let permissionsPolicy = named("Permissions-Policy")

    /// What a page of another origin may read of a response; Fetch lets it read the other headers that are sent anyway,
    /// such as `Content-Type`, or has no use for them there.
    static let exposed: [HTTPField.Name] = [
        .shape, .dtype, .uaeModel, .uaeLatent, .uaeQuality, .uaeFailed, .requestID, .serverTiming, .retryAfter, .allow,
        .wwwAuthenticate, .acceptEncoding,
    ]

    private static func named(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("\(name) is not a field name") }
        return name
    }
}
