// SPDX-License-Identifier: Apache-2.0

import ImageCodec
import Testing

@Suite struct ForeignFormatTests {
    struct Case: Sendable {
        let bytes: [UInt8]
        let name: String

        init(_ bytes: [UInt8], _ name: String) { (self.bytes, self.name) = (bytes, name) }
        init(_ text: String, _ name: String) { self.init(Array(text.utf8), name) }
        /// A `ftyp` box.
        init(brands: [String], _ name: String) {
            let length = UInt8(12 + 4 * brands.count)
            let version: [UInt8] = [0, 0, 0, 0]
            let box = [0, 0, 0, length] + Array("ftyp".utf8) + Array(brands[0].utf8) + version
            self.init(box + brands.dropFirst().flatMap { Array($0.utf8) } + [UInt8](repeating: 0, count: 40), name)
        }
    }

    @Test(arguments: [
        Case("GIF89a\u{1}", "GIF"), Case("GIF87a", "GIF"),
        Case([0x42, 0x4d, 0x36, 0xb4, 0, 0, 0, 0, 0, 0, 0x36, 0], "BMP"),
        Case([0x49, 0x49, 0x2a, 0, 8, 0], "TIFF"), Case([0x4d, 0x4d, 0, 0x2a], "TIFF"),
        Case(brands: ["heic", "mif1", "heic"], "HEIC"), Case(brands: ["mif1", "heic"], "HEIC"),
        Case(brands: ["mif1"], "HEIC"), Case(brands: ["avif", "mif1", "miaf"], "AVIF"),
        Case(brands: ["mif1", "avif", "miaf"], "AVIF"), Case(brands: ["isom", "mp42", "avc1"], "MP4"),
        Case(brands: ["mp42", "heic"], "MP4"), Case(brands: ["qt  "], "QuickTime"), Case(brands: ["crx "], "CR3"),
        Case([0xff, 0x0a, 1], "JPEG XL"),
        Case([0, 0, 0, 0x0c, 0x4a, 0x58, 0x4c, 0x20, 0x0d, 0x0a, 0x87, 0x0a], "JPEG XL"),
        Case([0, 0, 0, 0x0c, 0x6a, 0x50, 0x20, 0x20, 0x0d, 0x0a, 0x87, 0x0a], "JPEG 2000"),
        Case([0xff, 0x4f, 0xff, 0x51, 0], "JPEG 2000"),
        Case("%PDF-1.7", "PDF"), Case("8BPS\0", "PSD"), Case([0, 0, 1, 0, 1, 0], "ICO"),
        Case([0, 0, 2, 0, 1, 0, 32, 32], "CUR"),
        Case([0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 48, 0, 24, 32], "TGA"),
        Case([4, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 48, 0, 32, 8], "TGA"),
        Case([0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e], "PyTorch file"),
        Case(
            "PK\u{3}\u{4}" + String(repeating: "\0", count: 22) + "\u{10}\0\0\0archive/data.pkl",
            "PyTorch file"
        ),
        Case("<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        Case("\u{feff} \n<?xml version='1.0'?>\n<!-- a drawing --><svg/>", "SVG"),
        Case("<?xml version='1.0'?><a/>", "XML"),
        Case("\n<!DOCTYPE html><html>", "HTML"), Case("<HTML>", "HTML"),
        Case([0x1f, 0x8b, 8, 0], "gzip"), Case("PK\u{3}\u{4}", "zip"), Case([0x28, 0xb5, 0x2f, 0xfd], "Zstandard"),
        Case([UInt8](repeating: 0x61, count: 257) + Array("ustar\0".utf8), "tar"),
        Case("RIFF\u{1}\0\0\0AVI LIST", "AVI"), Case("RIFF\u{1}\0\0\0WAVEfmt ", "WAV"),
        Case([0x1a, 0x45, 0xdf, 0xa3], "Matroska or WebM"), Case("P6\n3 2\n255\n", "PNM"), Case("qoif", "QOI"),
        Case("data:image/png;base64,iVBORw0KGgo", "base64"), Case("/9j/4AAQSkZJRg", "base64"),
        Case("iVBORw0KGgoAAAA", "base64"), Case("photo.jpg", "a file name"), Case("/tmp/a b/Photo.JPEG", "a file name"),
        Case("file=@photo.png", "a file name"), Case("https://example.com/cat.jpg", "a URL"),
        Case("HTTP://example.com/cat?size=2\r\n", "a URL"),
        // A text mode without CR and LF, and one that writes LF for CR LF.
        Case([0x89, 0x50, 0x4e, 0x47, 0x1a, 0x49], "damaged PNG"),
        Case([0x89, 0x50, 0x4e, 0x47, 0x0a, 0x1a, 0x0a, 0], "damaged PNG"),
        Case("RIFF\u{24}WEBPVP8 ", "damaged WebP"),
        Case(Array("RIFF".utf8) + (0..<2000).map { UInt8(14 + $0 * 37 % 240) }, "damaged file"),
    ])
    func otherFilesAreNamed(file: Case) throws {
        let format = try #require(ForeignFormat.sniff(file.bytes[...]))
        #expect(format.name == file.name)
        // A slice has its own indices.
        #expect(ForeignFormat.sniff(([0, 1, 2] + file.bytes)[3...]) == format)
        #expect(format.advice.hasSuffix("."))
    }

    @Test func adviceSaysWhatToDo() {
        let heic = ForeignFormat.sniff(Case(brands: ["heic"], "").bytes[...])
        #expect(heic?.advice == "HEIC is not supported; convert to JPEG, PNG or WebP.")
        let name = ForeignFormat.sniff(Array("photo.jpg".utf8)[...])
        #expect(name?.advice.contains("--data-binary @photo.jpg") == true)
        let url = ForeignFormat.sniff(Array("https://example.com/\(String(repeating: "a", count: 2000)).jpg".utf8)[...])
        #expect(url?.advice.contains("No URL is fetched; download the file") == true)
        #expect(url.map { $0.advice.utf8.count < 400 && !$0.advice.contains("@") } == true)
        let text = ForeignFormat.sniff([0x89, 0x50, 0x4e, 0x47, 0x1a][...])
        #expect(text?.advice.contains("--data-binary") == true)
    }

    @Test func whatIsNotRecognisedHasNoName() throws {
        let files = try ["420.jpg", "rgb8.png", "lossy.webp"].map(ImageCases.file)
        for bytes in files + [
            [], [0xff], [0x89, 0x50, 0x4e, 0x47], [UInt8](repeating: 0x61, count: 4000), Array("hello".utf8),
            Array("RIFF".utf8), [0, 0, 0, 0], Array("https:".utf8), Array("https://a b".utf8), Array("ftp://a".utf8),
        ] {
            #expect(ForeignFormat.sniff(bytes[...]) == nil)
        }
        // Every beginning of every file is looked at without a trap.
        for bytes in files {
            for length in 0..<300 { _ = ForeignFormat.sniff(bytes.prefix(length)) }
        }
        _ = ForeignFormat.sniff(([0, 0, 0, 9] + Array("ftypm".utf8))[...])
        _ = ForeignFormat.sniff(([0xff, 0xff, 0xff, 0xff] + Array("ftypmif1".utf8))[...])
    }

    @Test(arguments: [
        "", ".jpg", "photo", "photo.txt", "a\nb.jpg", "photo.jpg\n", String(repeating: "a", count: 300) + ".jpg",
    ])
    func otherTextsAreNoFileNames(text: String) {
        #expect(FileNameText(Array(text.utf8)[...]) == nil)
    }
}
