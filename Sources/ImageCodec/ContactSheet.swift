// SPDX-License-Identifier: Apache-2.0

/// Images in rows on one white page, with lines of text under each.
///
/// All columns of a page have one width. Images of a row stand on one line, whatever their heights. A row with more
/// images than the page is wide continues below.
package struct ContactSheet: Sendable {
    /// An image and the text under it.
    package struct Cell: Sendable {
        package let image: RGBImage
        let lines: [String]

        package init(_ image: RGBImage, lines: [String]) {
            self.image = image
            self.lines = lines
        }
    }

    /// Text and the images below it; either may be empty.
    package struct Row: Sendable {
        let heading: [String]
        let cells: [Cell]

        package init(heading: [String] = [], cells: [Cell] = []) {
            self.heading = heading
            self.cells = cells
        }
    }

    /// The widest page with several columns.
    private static let widthLimit = 4096
    private static let margin = 8
    /// Characters that have room on the narrowest page, and under the smallest image.
    private static let (leastLine, leastCaption) = (32, 10)

    package let width: Int
    package let height: Int
    private let rows: [Row]
    /// Pixels a pixel of the font is wide and high.
    private let scale: Int
    private let columnWidth: Int
    private let columns: Int

    /// Lays out a page; only ``draw()`` needs memory for it.
    package init(_ rows: [Row]) {
        self.rows = rows
        let widest = rows.flatMap(\.cells).map(\.image.width).max() ?? 0
        scale = min(max(widest / 100, 1), 4)
        columnWidth = max(widest, Self.leastCaption * BitmapFont.advance * scale)
        let pitch = columnWidth + Self.margin
        columns = min(max((Self.widthLimit - Self.margin) / pitch, 1), max(rows.map(\.cells.count).max() ?? 0, 1))
        width = Self.margin + max(columns * pitch, Self.leastLine * BitmapFont.advance * scale + Self.margin)
        var height = Self.margin
        for row in rows {
            height += row.heading.count * BitmapFont.lineHeight * scale
            for line in row.cells.split(every: columns) { height += line.height(scale: scale) }
            height += Self.margin
        }
        self.height = height
    }

    /// The bytes that ``draw()`` needs, and as many for the file of the page.
    package var memoryByteCount: Int { 2 * width * height * 3 }

    /// Whether there are as many now; a page is much larger than any other image that is encoded.
    package var hasMemory: Bool { PixelMemory.isAvailable(memoryByteCount) }

    /// Draws the page: a byte for each colour of each pixel, whatever is on it.
    package func draw() -> RGBImage {
        var page = RGBImage(width: width, height: height, pixels: [UInt8](repeating: 255, count: width * height * 3))
        var top = Self.margin
        for row in rows {
            top = write(row.heading, on: &page, x: Self.margin, top: top, room: width - 2 * Self.margin)
            for line in row.cells.split(every: columns) {
                let baseline = top + line.tallest
                for (column, cell) in line.enumerated() {
                    let x = Self.margin + column * (columnWidth + Self.margin)
                    page.paste(cell.image, x: x, y: baseline - cell.image.height)
                    _ = write(cell.lines, on: &page, x: x, top: baseline + 2 * scale, room: columnWidth)
                }
                top += line.height(scale: scale)
            }
            top += Self.margin
        }
        return page
    }

    /// - Returns: the top of what comes below.
    private func write(_ lines: [String], on page: inout RGBImage, x: Int, top: Int, room: Int) -> Int {
        for (index, line) in lines.enumerated() {
            let text = line.shortened(to: room / (BitmapFont.advance * scale))
            page.write(text, x: x, y: top + index * BitmapFont.lineHeight * scale, scale: scale)
        }
        return top + lines.count * BitmapFont.lineHeight * scale
    }
}

extension RandomAccessCollection<ContactSheet.Cell> {
    fileprivate var tallest: Int { map(\.image.height).max() ?? 0 }

    /// The height of a line of cells with the text under them.
    fileprivate func height(scale: Int) -> Int {
        tallest + 2 * scale + (map(\.lines.count).max() ?? 0) * BitmapFont.lineHeight * scale
    }
}

extension Array {
    fileprivate func split(every count: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: self.count, by: count).map { self[$0..<Swift.min($0 + count, self.count)] }
    }
}

extension String {
    /// At most `count` characters: the beginning and the end, which tells files of a folder apart.
    fileprivate func shortened(to count: Int) -> String {
        guard self.count > count else { return self }
        let kept = max(count - 2, 0)
        return prefix(kept - kept / 2) + ".." + suffix(kept / 2)
    }
}

extension RGBImage {
    /// Copies an image that lies inside this one.
    fileprivate mutating func paste(_ image: RGBImage, x: Int, y: Int) {
        let count = image.width * 3
        for row in 0..<image.height {
            let start = ((y + row) * width + x) * 3
            pixels.replaceSubrange(start..<start + count, with: image.pixels[row * count..<(row + 1) * count])
        }
    }

    /// Writes black text that lies inside this image.
    fileprivate mutating func write(_ text: String, x: Int, y: Int, scale: Int) {
        for (place, character) in text.enumerated() {
            let left = x + place * BitmapFont.advance * scale
            for (row, bits) in BitmapFont.glyph(character).enumerated() {
                for column in 0..<BitmapFont.glyphWidth where bits >> (BitmapFont.glyphWidth - 1 - column) & 1 == 1 {
                    for line in 0..<scale {
                        let start = ((y + row * scale + line) * width + left + column * scale) * 3
                        for index in start..<start + 3 * scale { pixels[index] = 0 }
                    }
                }
            }
        }
    }
}
