// SPDX-License-Identifier: Apache-2.0

/// The image formats that are decoded and encoded.
package enum ImageFormat: String, Sendable {
    case jpeg
    case png
    case webp

    /// Tells the format by its magic bytes: JPEG's SOI and the marker after it, PNG's signature, WebP's RIFF header.
    package static func sniff(_ bytes: some Collection<UInt8>) -> ImageFormat? {
        if bytes.starts(with: [0xff, 0xd8, 0xff]) { return .jpeg }
        if bytes.starts(with: PNGStructure.signature) { return .png }
        if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WEBP".utf8) { return .webp }
        return nil
    }
}
