// SPDX-License-Identifier: Apache-2.0

/// The order of an image's values in memory.
package enum MapLayout: Sendable {
    /// `[height, width, channels]`.
    case channelsLast
    /// `[channels, height, width]`.
    case channelsFirst
}

/// Transposes `[rows, columns]` into `[columns, rows]`, block by block.
package func transpose(
    _ x: UnsafePointer<Float>,
    rows: Int,
    columns: Int,
    into out: UnsafeMutablePointer<Float>
) {
    let side = 16
    var row = 0
    while row < rows {
        let lastRow = min(row + side, rows)
        var column = 0
        while column < columns {
            let lastColumn = min(column + side, columns)
            for c in column..<lastColumn {
                for r in row..<lastRow {
                    out[c &* rows &+ r] = x[r &* columns &+ c]
                }
            }
            column = lastColumn
        }
        row = lastRow
    }
}

/// Gathers the patches under a dense convolution's filter, so that the convolution becomes a matrix product.
///
/// A patch vector is ordered (row, column, channel) for `.channelsLast` and (channel, row, column), as PyTorch stores a
/// filter, for `.channelsFirst`; the product's weights must follow the same order.
///
/// - Parameters:
///   - x: the image, in `layout`.
///   - layout: the order of `x`.
///   - channels: of `x`.
///   - height: rows of `x`.
///   - width: columns of `x`.
///   - kernel: the filter's side.
///   - stride: pixels from one patch to the next.
///   - padTop: zero rows above.
///   - padLeft: zero columns to the left.
///   - outHeight: rows of patches.
///   - outWidth: patches in a row.
///   - out: `[outHeight * outWidth, kernel * kernel * channels]`.
///   - team: divides the rows of patches among its members.
package func gatherPatches(
    _ x: UnsafePointer<Float>,
    layout: MapLayout,
    channels: Int,
    height: Int,
    width: Int,
    kernel: Int,
    stride: Int,
    padTop: Int,
    padLeft: Int,
    outHeight: Int,
    outWidth: Int,
    into out: UnsafeMutablePointer<Float>,
    team: ComputeTeam
) {
    let vector = kernel * kernel * channels
    // A row of a patch is one run of memory: of pixels, or of one channel's values.
    let run = layout == .channelsLast ? channels : 1
    let planes = layout == .channelsLast ? 1 : channels
    team.forEach(outHeight) { patchRow, _ in
        for patchColumn in 0..<outWidth {
            var to = out + (patchRow * outWidth + patchColumn) * vector
            let left = patchColumn * stride - padLeft
            let firstInside = min(max(0, -left), kernel)
            let endInside = max(firstInside, min(kernel, width - left))
            for plane in 0..<planes {
                for kernelRow in 0..<kernel {
                    let row = patchRow * stride - padTop + kernelRow
                    if row < 0 || row >= height {
                        to.update(repeating: 0, count: kernel * run)
                    } else {
                        let from = x + ((plane * height + row) * width + left) * run
                        if firstInside == 0, endInside == kernel, kernel * run <= 16 {
                            // A call would take longer than copying so few floats.
                            for index in 0..<kernel * run { to[index] = from[index] }
                            to += kernel * run
                            continue
                        }
                        to.update(repeating: 0, count: firstInside * run)
                        (to + firstInside * run).update(
                            from: from + firstInside * run,
                            count: (endInside - firstInside) * run
                        )
                        (to + endInside * run).update(repeating: 0, count: (kernel - endInside) * run)
                    }
                    to += kernel * run
                }
            }
        }
    }
}
