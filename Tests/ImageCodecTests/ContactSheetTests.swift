// SPDX-License-Identifier: Apache-2.0

import Fixtures
import ImageCodec
import Testing

@Suite struct ContactSheetTests {
    private let photo = RGBImage.pattern(width: 120, height: 120)

    private func plain(_ side: Int, _ value: UInt8) -> RGBImage {
        RGBImage(width: side, height: side, pixels: [UInt8](repeating: value, count: side * side * 3))
    }

    @Test func imagesAreOnThePageToThePixel() {
        let other = RGBImage.pattern(width: 120, height: 64)
        let sheet = ContactSheet([.init(cells: [.init(photo, lines: ["a"]), .init(other, lines: ["b"])])])
        let page = sheet.draw()
        #expect(page.width == sheet.width && page.height == sheet.height)
        #expect(page.part(x: 8, y: 8, width: 120, height: 120) == photo)
        // Both stand on one line.
        #expect(page.part(x: 8 + 120 + 8, y: 8 + 120 - 64, width: 120, height: 64) == other)
        #expect(page.isWhite(x: 8 + 120 + 8, y: 0, width: 120, height: 8 + 120 - 64))
    }

    @Test func textIsWhatTheFontDraws() {
        // A hyphen is five pixels in its fourth row, an unknown character a box of 5 x 7.
        let page = ContactSheet([.init(cells: [.init(photo, lines: ["-\u{E9}"])])]).draw()
        let (x, y) = (8, 8 + 120 + 2)
        #expect(page.black(x: x, y: y, width: 6, height: 11) == (0..<5).map { [$0, 3] })
        let box = page.black(x: x + 6, y: y, width: 6, height: 11)
        #expect(box.count == 20 && box.first == [0, 0] && box.last == [4, 6])
    }

    @Test func everyCharacterHasAGlyphOfItsOwn() {
        let shapes = (0x20...0x7F).map { code in
            let text = String(UnicodeScalar(UInt8(code)))
            return ContactSheet([.init(cells: [.init(photo, lines: [text])])]).draw()
                .black(x: 8, y: 8 + 120 + 2, width: 6, height: 11)
        }
        #expect(Set(shapes).count == 96, "95 glyphs and the box")
        #expect(shapes[0].isEmpty)
        for shape in shapes { #expect(shape.allSatisfy { $0[0] < 5 && $0[1] < 9 }) }
    }

    @Test(arguments: [(16, 1), (224, 2), (512, 4)]) func textGrowsWithTheImages(side: Int, scale: Int) {
        let page = ContactSheet([.init(cells: [.init(plain(side, 128), lines: ["|"])])]).draw()
        let text = page.black(x: 8, y: 8 + side + 2 * scale, width: 5 * scale, height: 9 * scale)
        #expect(text.count == 7 * scale * scale)
    }

    @Test func longTextKeepsItsBeginningAndEndAndStaysInItsColumn() {
        let long = "a/very/long/name" + String(repeating: "x\u{301}", count: 5000) + "photo.jpg"
        let cells = [ContactSheet.Cell(photo, lines: [long]), .init(photo, lines: ["b"])]
        let page = ContactSheet([.init(heading: [long], cells: cells)]).draw()
        #expect(page.width < 300 && page.height < 200)
        // 20 characters have room under 120 pixels.
        let shown = ContactSheet([.init(cells: [.init(photo, lines: ["a/very/lo..photo.jpg"]), cells[1]])]).draw()
        let top = 8 + 11 + 120
        let caption = page.part(x: 0, y: top, width: 264, height: 11)
        #expect(caption == shown.part(x: 0, y: top - 11, width: 264, height: 11))
    }

    @Test func rowsFollowEachOther() {
        let page = ContactSheet([
            .init(heading: ["first"], cells: [.init(photo, lines: ["1", "2", "3"])]),
            .init(heading: ["second", "failed"]),
            .init(cells: [.init(photo, lines: [])]),
        ]).draw()
        #expect(page.part(x: 8, y: 8 + 11, width: 120, height: 120) == photo)
        let second = 8 + 11 + 120 + 2 + 33 + 8
        #expect(page.part(x: 8, y: second + 22 + 8, width: 120, height: 120) == photo)
        #expect(page.height == second + 22 + 8 + 120 + 2 + 8)
    }

    @Test func wideRowsContinueBelow() {
        let cells = (0..<40).map { ContactSheet.Cell(plain(256, UInt8($0)), lines: ["\($0)"]) }
        let sheet = ContactSheet([.init(cells: cells)])
        #expect(sheet.width <= 4096 && sheet.height == 8 + 3 * (256 + 4 + 22) + 8)
        let page = sheet.draw()
        for (index, cell) in cells.enumerated() {
            let (x, y) = (8 + index % 15 * 264, 8 + index / 15 * 282)
            #expect(page.part(x: x, y: y, width: 256, height: 256) == cell.image, "\(index)")
        }
    }

    @Test(arguments: [[], [.init()], [.init(heading: [""])], [.init(cells: [])]] as [[ContactSheet.Row]])
    func aSheetOfNothingIsAPage(rows: [ContactSheet.Row]) {
        let page = ContactSheet(rows).draw()
        #expect(page.isWhite(x: 0, y: 0, width: page.width, height: page.height))
    }

    @Test func theSizeIsKnownWithoutMemoryForIt() {
        let cell = ContactSheet.Cell(plain(512, 0), lines: ["keep 1", "1 dB", "1 KB"])
        let sheet = ContactSheet(Array(repeating: .init(cells: Array(repeating: cell, count: 4096)), count: 4096))
        #expect(sheet.width * sheet.height > 4_000_000_000_000)
    }
}

extension RGBImage {
    fileprivate func part(x: Int, y: Int, width: Int, height: Int) -> RGBImage {
        let rows = (y..<y + height).map { pixels[($0 * self.width + x) * 3..<($0 * self.width + x + width) * 3] }
        return RGBImage(width: width, height: height, pixels: rows.flatMap(\.self))
    }

    fileprivate func isWhite(x: Int, y: Int, width: Int, height: Int) -> Bool {
        part(x: x, y: y, width: width, height: height).pixels.allSatisfy { $0 == 255 }
    }

    /// The black pixels of a part, row by row, as x and y.
    fileprivate func black(x: Int, y: Int, width: Int, height: Int) -> [[Int]] {
        let part = part(x: x, y: y, width: width, height: height)
        return (0..<width * height).filter { part.pixels[$0 * 3..<$0 * 3 + 3].allSatisfy { $0 == 0 } }
            .map { [$0 % width, $0 / width] }
    }
}
