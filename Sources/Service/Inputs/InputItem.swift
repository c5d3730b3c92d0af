// SPDX-License-Identifier: Apache-2.0

import Autoencoder

/// One image or one latent of a request, not yet decoded.
struct InputItem: Sendable {
    /// The client's name for it, or its index in the request.
    let id: String
    let payload: Payload

    enum Payload: Sendable {
        /// A JPEG or PNG file: a part of the body, or decoded from base64.
        case image(bytes: [UInt8], range: Range<Int>)
        case latent(AutoencoderTask.Input)
        /// Nothing usable; with `on_error=skip` the other items are processed all the same.
        case unusable(Problem)
    }

    var isImage: Bool {
        switch payload {
        case .image: true
        case .latent, .unusable: false
        }
    }
}

/// The items of a request's body.
struct RequestInput: Sendable {
    var items: [InputItem]
    /// The response to a JSON request is JSON unless the request asks for something else.
    var isJSON: Bool
}
