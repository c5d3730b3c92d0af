// SPDX-License-Identifier: Apache-2.0

/// A kind of file that is not supported, recognised by its first bytes so that it can be refused by name.
package struct ForeignFormat: Sendable, Equatable {
    /// As users know it: "HEIC".
    package let name: String
    /// What is wrong and what to do, as a sentence.
    package let advice: String

    private init(_ name: String, advice: String? = nil) {
        self.name = name
        self.advice = advice ?? "\(name) is not supported; convert to JPEG, PNG or WebP."
    }

    /// - Returns: nil for the formats that are decoded, and for bytes that are not recognised.
    package static func sniff(_ bytes: ArraySlice<UInt8>) -> ForeignFormat? {
        // Magic bytes are in the first 32; tar has its own at 257, and an SVG's element follows a prologue.
        let head = bytes.prefix(1024)
        guard ImageFormat.sniff(head) == nil else { return nil }
        return signature(head) ?? damaged(head) ?? container(head) ?? text(head)
    }

    // MARK: Formats

    private static func signature(_ head: ArraySlice<UInt8>) -> ForeignFormat? {
        for (magic, name) in signatures where head.starts(with: magic) { return ForeignFormat(name) }
        if let format = targa(head) ?? cursor(head) ?? pyTorch(head) { return format }
        for (magic, name) in archives where head.starts(with: magic) { return archive(name) }
        if head.dropFirst(257).starts(with: "ustar".utf8) { return archive("tar") }
        // Two letters, then four reserved bytes.
        if head.starts(with: "BM".utf8), head.dropFirst(6).starts(with: [0, 0, 0, 0]) { return ForeignFormat("BMP") }
        let netpbm = Array(head.prefix(3))
        guard netpbm.count == 3, netpbm[0] == UInt8(ascii: "P"), (0x31...0x37).contains(netpbm[1]) else { return nil }
        return [0x0a, 0x0d, 0x20].contains(netpbm[2]) ? ForeignFormat("PNM") : nil
    }

    /// A cursor file and a TGA can begin with the same four bytes.
    private static func cursor(_ head: ArraySlice<UInt8>) -> ForeignFormat? {
        // The number of cursors follows.
        guard head.starts(with: [0, 0, 2, 0]), !head.dropFirst(4).starts(with: [0, 0]) else { return nil }
        return ForeignFormat("CUR")
    }

    /// TGA has no magic bytes: true colour or grey, without a colour map, and sizes.
    private static func targa(_ head: ArraySlice<UInt8>) -> ForeignFormat? {
        let header = Array(head.prefix(18))
        guard header.count == 18, header[1] == 0, [2, 3, 10, 11].contains(header[2]),
            header[3..<8].allSatisfy({ $0 == 0 }), header[12] | header[13] != 0, header[14] | header[15] != 0,
            [8, 16, 24, 32].contains(header[16])
        else { return nil }
        return ForeignFormat("TGA")
    }

    /// What `torch.save` writes: a zip archive of a pickle, or a pickle that begins with a number of its own.
    private static func pyTorch(_ head: ArraySlice<UInt8>) -> ForeignFormat? {
        let pickle: [UInt8] = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]
        let header = Array(head.prefix(30))
        let isZip = header.count == 30 && header.starts(with: [0x50, 0x4b, 3, 4])
        let nameLength = isZip ? Int(header[26]) | Int(header[27]) << 8 : 0
        let firstEntry = head.dropFirst(30).prefix(nameLength)
        guard head.starts(with: pickle) || firstEntry.suffix(9).elementsEqual("/data.pkl".utf8) else { return nil }
        return ForeignFormat(
            "PyTorch file",
            advice: "PyTorch files are not supported; send a latent as safetensors or npy. "
                + "uae convert reads checkpoints of models."
        )
    }

    private static func archive(_ name: String) -> ForeignFormat {
        ForeignFormat(name, advice: "\(name) is not supported; send the files inside of it.")
    }

    private static let signatures: [([UInt8], String)] = [
        (Array("GIF8".utf8), "GIF"),
        ([0x49, 0x49, 0x2a, 0], "TIFF"), ([0x4d, 0x4d, 0, 0x2a], "TIFF"),
        ([0x49, 0x49, 0x2b, 0], "TIFF"), ([0x4d, 0x4d, 0, 0x2b], "TIFF"),
        ([0xff, 0x0a], "JPEG XL"), ([0, 0, 0, 0x0c, 0x4a, 0x58, 0x4c, 0x20, 0x0d, 0x0a, 0x87, 0x0a], "JPEG XL"),
        ([0xff, 0x4f, 0xff, 0x51], "JPEG 2000"), ([0, 0, 0, 0x0c, 0x6a, 0x50, 0x20, 0x20], "JPEG 2000"),
        (Array("%PDF-".utf8), "PDF"), (Array("8BPS".utf8), "PSD"), ([0, 0, 1, 0], "ICO"),
        ([0x8a, 0x4d, 0x4e, 0x47], "MNG"), ([0x76, 0x2f, 0x31, 0x01], "OpenEXR"),
        (Array("#?RADIANCE".utf8), "Radiance HDR"), (Array("qoif".utf8), "QOI"), (Array("DDS ".utf8), "DDS"),
        ([0x1a, 0x45, 0xdf, 0xa3], "Matroska or WebM"), (Array("OggS".utf8), "Ogg"), (Array("FLV\u{1}".utf8), "FLV"),
        (Array("%!PS".utf8), "PostScript"),
    ]

    private static let archives: [([UInt8], String)] = [
        ([0x1f, 0x8b], "gzip"), ([0x50, 0x4b, 3, 4], "zip"), ([0x50, 0x4b, 5, 6], "zip"), (Array("BZh".utf8), "bzip2"),
        ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], "xz"), ([0x28, 0xb5, 0x2f, 0xfd], "Zstandard"),
        ([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], "7z"), (Array("Rar!".utf8), "RAR"),
    ]

    /// Formats of a family, which a brand inside of the header distinguishes.
    private static func container(_ head: ArraySlice<UInt8>) -> ForeignFormat? {
        if head.starts(with: "RIFF".utf8) {
            switch String(decoding: head.dropFirst(8).prefix(4), as: UTF8.self) {
            case "AVI ": return ForeignFormat("AVI")
            case "WAVE": return ForeignFormat("WAV")
            default: return nil
            }
        }
        // ISO base media: the length of the first box, `ftyp`, the main brand, a version, the other brands.
        guard head.dropFirst(4).starts(with: "ftyp".utf8) else { return nil }
        let length = head.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        let brands = head.prefix(min(length, 256)).dropFirst(8)
        let names = stride(from: 0, to: brands.count, by: 4).map {
            String(decoding: brands.dropFirst($0).prefix(4), as: UTF8.self)
        }
        // HEIF's general brands are main brands of both.
        let main = names.first.map { ["mif1", "msf1", "miaf"].contains($0) } ?? false ? names[...] : names.prefix(1)
        if main.contains(where: ["avif", "avis"].contains) { return ForeignFormat("AVIF") }
        let heic = ["heic", "heix", "hevc", "hevx", "heim", "heis", "hevm", "hevs", "mif1", "msf1", "miaf"]
        if main.contains(where: heic.contains) { return ForeignFormat("HEIC") }
        if names.first == "crx " { return ForeignFormat("CR3") }
        return ForeignFormat(names.first == "qt  " ? "QuickTime" : "MP4")
    }

    // MARK: Texts and damage

    private static func text(_ head: ArraySlice<UInt8>) -> ForeignFormat? {
        let start = head.starts(with: [0xef, 0xbb, 0xbf]) ? head.dropFirst(3) : head
        let text = String(decoding: start.drop { [0x20, 0x09, 0x0a, 0x0d].contains($0) }, as: UTF8.self).lowercased()
        if text.hasPrefix("<svg") { return ForeignFormat("SVG") }
        if text.hasPrefix("<?xml") || text.hasPrefix("<!--") || text.hasPrefix("<!doctype svg") {
            return ForeignFormat(text.contains("<svg") ? "SVG" : "XML")
        }
        if text.hasPrefix("<!doctype html") || text.hasPrefix("<html") {
            return ForeignFormat("HTML", advice: "The body is a web page; check where the file came from.")
        }
        if text.hasPrefix("data:image/") || ["/9j/", "ivborw0kggo", "uklgr"].contains(where: text.hasPrefix) {
            return ForeignFormat(
                "base64",
                advice: "The image is encoded in base64; send its bytes, or JSON with 'inputs' and 'b64'."
            )
        }
        if let url = URLText(start) {
            return ForeignFormat("a URL", advice: "The body is the URL '\(url.text)'. \(URLText.advice)")
        }
        if let name = FileNameText(start) {
            return ForeignFormat(
                "a file name",
                advice: "The body is the text '\(name.text)'; to send the file, put @ before its name: "
                    + "curl --data-binary @\(name.text)."
            )
        }
        return nil
    }

    /// Files that a text mode has changed.
    private static func damaged(_ head: ArraySlice<UInt8>) -> ForeignFormat? {
        if head.starts(with: [0x89, 0x50, 0x4e, 0x47]), head.count > 4 { return changed("PNG") }
        let isWebP =
            head.starts(with: "RIFF".utf8) && (4...7).contains { head.dropFirst($0).starts(with: "WEBPVP8".utf8) }
        if isWebP { return changed("WebP") }
        // A kilobyte of a binary file holds NUL and line ends, unless they were removed.
        let isStripped = head.count == 1024 && !head.contains { [0x00, 0x0a, 0x0d].contains($0) }
        return isStripped && head.count(where: { $0 >= 0x80 }) > 128 ? changed("file") : nil
    }

    private static func changed(_ name: String) -> ForeignFormat {
        ForeignFormat(
            "damaged \(name)",
            advice:
                "The first bytes of the \(name) are damaged: a text mode has removed or changed bytes. \(textModeAdvice)"
        )
    }

    /// What to do about `curl -d @file`, which removes line ends.
    package static let textModeAdvice = "With curl, use --data-binary instead of -d."
}

/// A short text that is the name of a file: what a client sends that forgot the `@` of `curl -F file=@photo.jpg`.
package struct FileNameText: Sendable, Equatable {
    package let text: String

    private static let extensions = [
        "jpg", "jpeg", "png", "webp", "heic", "avif", "gif", "bmp", "tif", "tiff", "npy", "npz", "safetensors",
    ]

    /// - Returns: nil for anything else.
    package init?(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count <= 255, let dot = bytes.lastIndex(of: UInt8(ascii: ".")), dot > bytes.startIndex,
            bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }), let text = String(validating: bytes, as: UTF8.self),
            Self.extensions.contains(String(decoding: bytes[(dot + 1)...], as: UTF8.self).lowercased())
        else { return nil }
        self.text = text
    }
}

/// A URL in the place of a file.
package struct URLText: Sendable, Equatable {
    /// At most 200 bytes of it, in printable ASCII.
    package let text: String

    package static let advice = "No URL is fetched; download the file and send its bytes."

    /// - Returns: nil for anything else.
    package init?(_ bytes: ArraySlice<UInt8>) {
        let scheme = String(decoding: bytes.prefix(8), as: UTF8.self).lowercased()
        guard scheme.hasPrefix("http://") || scheme == "https://" else { return nil }
        let url = bytes.prefix { (0x21...0x7e).contains($0) }
        // Nothing but a line end after it.
        guard bytes[url.endIndex...].allSatisfy({ [0x20, 0x0a, 0x0d].contains($0) }) else { return nil }
        text = String(decoding: url.prefix(200), as: UTF8.self) + (url.count > 200 ? "..." : "")
    }
}
