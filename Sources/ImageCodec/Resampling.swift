// SPDX-License-Identifier: Apache-2.0

/// A rectangle of 8-bit RGB rows that stands for part of a larger picture.
struct PixelWindow {
    /// Place in the larger picture.
    var rows: Range<Int>
    var columns: Range<Int>
    /// `[rows, columns, 3]`.
    var pixels: [UInt8]
}

extension RGBImage {
    /// Part of the picture as Pillow's `resize` would make it, computed for that part only.
    ///
    /// Two passes with 8 bits between them. Pillow 13 makes the vertical one first where that shrinks more.
    ///
    /// - Parameters:
    ///   - width: width of the whole resized picture.
    ///   - height: its height.
    ///   - rows: the rows of it that are wanted.
    ///   - columns: the columns of it that are wanted.
    func resized(width newWidth: Int, height newHeight: Int, rows: Range<Int>, columns: Range<Int>, filter: ResamplingFilter)
        -> PixelWindow
    {
        let horizontal = newWidth == width
            ? nil : ResamplingAxis(input: width, output: newWidth, wanted: columns, filter: filter)
        let vertical = newHeight == height
            ? nil : ResamplingAxis(input: height, output: newHeight, wanted: rows, filter: filter)
        let sourceRows = vertical?.inputs ?? rows
        let sourceColumns = horizontal?.inputs ?? columns
        var window = PixelWindow(rows: 0..<height, columns: 0..<width, pixels: pixels)
        let shrinkage = height - newHeight
        if let vertical, shrinkage > 0, shrinkage > 2 * (width - newWidth) {
            window = window.resampledRows(vertical, columns: sourceColumns, becoming: rows)
            if let horizontal { window = window.resampledColumns(horizontal, rows: rows, becoming: columns) }
        } else {
            if let horizontal { window = window.resampledColumns(horizontal, rows: sourceRows, becoming: columns) }
            if let vertical { window = window.resampledRows(vertical, columns: columns, becoming: rows) }
        }
        return window.cropped(rows: rows, columns: columns)
    }
}

extension PixelWindow {
    func cropped(rows newRows: Range<Int>, columns newColumns: Range<Int>) -> PixelWindow {
        if newRows == rows, newColumns == columns { return self }
        let stride = columns.count * 3
        let left = (newColumns.lowerBound - columns.lowerBound) * 3
        var cropped: [UInt8] = []
        cropped.reserveCapacity(newRows.count * newColumns.count * 3)
        for row in newRows {
            let start = (row - rows.lowerBound) * stride + left
            cropped.append(contentsOf: pixels[start..<start + newColumns.count * 3])
        }
        return PixelWindow(rows: newRows, columns: newColumns, pixels: cropped)
    }

    /// The horizontal pass over some of the rows.
    fileprivate func resampledColumns(
        _ axis: ResamplingAxis,
        rows wantedRows: Range<Int>,
        becoming newColumns: Range<Int>
    ) -> PixelWindow {
        let stride = columns.count * 3
        let newStride = axis.count * 3
        let out = [UInt8](unsafeUninitializedCapacity: wantedRows.count * newStride) { buffer, count in
            pixels.withUnsafeBufferPointer { pixels in
                axis.weights.withUnsafeBufferPointer { weights in
                    for (index, row) in wantedRows.enumerated() {
                        let source = (row - rows.lowerBound) * stride
                        for column in 0..<axis.count {
                            var place = source + (axis.starts[column] - columns.lowerBound) * 3
                            var (red, green, blue): (Int32, Int32, Int32) = (rounding, rounding, rounding)
                            for tap in axis.offsets[column]..<axis.offsets[column + 1] {
                                let weight = weights[tap]
                                red &+= weight &* Int32(pixels[place])
                                green &+= weight &* Int32(pixels[place + 1])
                                blue &+= weight &* Int32(pixels[place + 2])
                                place += 3
                            }
                            let target = index * newStride + column * 3
                            buffer[target] = clipped(red)
                            buffer[target + 1] = clipped(green)
                            buffer[target + 2] = clipped(blue)
                        }
                    }
                }
            }
            count = buffer.count
        }
        return PixelWindow(rows: wantedRows, columns: newColumns, pixels: out)
    }

    /// The vertical pass over some of the columns.
    fileprivate func resampledRows(
        _ axis: ResamplingAxis,
        columns wantedColumns: Range<Int>,
        becoming newRows: Range<Int>
    ) -> PixelWindow {
        let stride = columns.count * 3
        let width = wantedColumns.count * 3
        let left = (wantedColumns.lowerBound - columns.lowerBound) * 3
        let out = [UInt8](unsafeUninitializedCapacity: axis.count * width) { buffer, count in
            // One row of 32-bit sums: the inner loop runs along the row, which the compiler vectorises.
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: width) { sums in
                pixels.withUnsafeBufferPointer { pixels in
                    for row in 0..<axis.count {
                        sums.update(repeating: rounding)
                        for (tap, index) in (axis.offsets[row]..<axis.offsets[row + 1]).enumerated() {
                            let weight = axis.weights[index]
                            let source = (axis.starts[row] + tap - rows.lowerBound) * stride + left
                            guard let base = pixels.baseAddress else { continue }
                            let line = base + source
                            for x in 0..<width { sums[x] &+= weight &* Int32(line[x]) }
                        }
                        for x in 0..<width { buffer[row * width + x] = clipped(sums[x]) }
                    }
                }
            }
            count = buffer.count
        }
        return PixelWindow(rows: newRows, columns: wantedColumns, pixels: out)
    }
}

private let rounding: Int32 = 1 << (ResamplingAxis.precision - 1)

@inline(__always)
private func clipped(_ sum: Int32) -> UInt8 {
    UInt8(truncatingIfNeeded: min(max(sum >> ResamplingAxis.precision, 0), 255))
}
