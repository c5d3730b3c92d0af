// SPDX-License-Identifier: Apache-2.0

import Autoencoder

/// One picture or one latent of a request, not yet decoded.
struct InputItem: Sendable {
    /// The caller's name for it, or its place in the request.
    let id: String
    let payload: Payload

    enum Payload: Sendable {
        /// A JPEG or PNG file: a part of the body, or decoded from base64.
        case picture(bytes: [UInt8], range: Range<Int>)
        case latent(AutoencoderTask.Input)
        /// Nothing usable; with `on_error=skip` the other items are answered all the same.
        case unusable(Problem)
    }

    var isPicture: Bool {
        switch payload {
        case .picture: true
        case .latent, .unusable: false
        }
    }
}

/// The body of a request, taken apart.
struct RequestInput: Sendable {
    var items: [InputItem]
    /// A JSON request is answered in JSON unless it asks otherwise.
    var isJSON: Bool
}
