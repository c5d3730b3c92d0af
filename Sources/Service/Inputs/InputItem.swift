// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import ImageCodec

/// One image or one latent of a request, not yet decoded.
struct InputItem: Sendable {
    /// The client's name for it, or its index in the request.
    let id: String
    let payload: Payload

    enum Payload: Sendable {
        /// A JPEG, PNG or WebP file: a part of the body, or decoded from base64.
        case image(bytes: [UInt8], range: Range<Int>)
        /// `isNormalized`: what its file says of its numbers; nil: as the request or the model says.
        case latent(AutoencoderTask.Input, isNormalized: Bool?)
        /// Nothing usable; with `on_error=skip` the other items are processed all the same.
        case unusable(Problem)
    }

    var isImage: Bool {
        if case .image = payload { true } else { false }
    }

    var isUnusable: Bool {
        if case .unusable = payload { true } else { false }
    }

    /// The cost of its job on the image threads.
    var cost: Double {
        guard case .image(let bytes, let range) = payload else { return RequestWork.Cost.item }
        return RequestWork.Cost.item + bytes[range].withUnsafeBytes(decodingCost)
    }
}

/// The items of a request's body.
struct RequestInput: Sendable {
    var items: [InputItem]
    /// The response to a JSON request is JSON unless the request asks for something else.
    var isJSON: Bool
}
