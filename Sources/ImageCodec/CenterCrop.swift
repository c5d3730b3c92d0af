// SPDX-License-Identifier: Apache-2.0

extension RGBImage {
    /// The middle square of the picture at `side x side` pixels, as the authors' `center_crop_arr` makes it.
    ///
    /// Halves with a box filter while the short side is at least twice the target, then scales the short side to the
    /// target (bicubic) and cuts out the middle. Equal to Pillow 13 to the bit; only what the crop shows is computed
    /// in the last step, so that a 1 x 16384 strip costs no more than its crop.
    ///
    /// - Source: model.md section 1.2.
    package func centerCropped(to side: Int) -> RGBImage {
        var image = self
        while min(image.width, image.height) >= 2 * side { image = image.halved() }
        let scale = Double(side) / Double(min(image.width, image.height))
        let newWidth = Int((Double(image.width) * scale).rounded(.toNearestOrEven))
        let newHeight = Int((Double(image.height) * scale).rounded(.toNearestOrEven))
        let (top, left) = ((newHeight - side) / 2, (newWidth - side) / 2)
        let window = image.resized(
            width: newWidth,
            height: newHeight,
            rows: top..<top + side,
            columns: left..<left + side,
            filter: .bicubic
        )
        return RGBImage(width: side, height: side, pixels: window.pixels)
    }

    /// The whole picture at `side x side` pixels, its aspect ratio given up (bicubic, Pillow 13 to the bit).
    package func squashed(to side: Int) -> RGBImage {
        let window = resized(width: side, height: side, rows: 0..<side, columns: 0..<side, filter: .bicubic)
        return RGBImage(width: side, height: side, pixels: window.pixels)
    }

    /// Half the size with a box filter, sides rounded down.
    private func halved() -> RGBImage {
        let (newWidth, newHeight) = (width / 2, height / 2)
        // Even sides and the horizontal pass first: every weight is one half, so two roundings of plain averages.
        let verticalFirst = height - newHeight > 2 * (width - newWidth)
        if width % 2 == 0, height % 2 == 0, !verticalFirst { return averagedInPairs() }
        let window = resized(
            width: newWidth,
            height: newHeight,
            rows: 0..<newHeight,
            columns: 0..<newWidth,
            filter: .box
        )
        return RGBImage(width: newWidth, height: newHeight, pixels: window.pixels)
    }

    private func averagedInPairs() -> RGBImage {
        let (newWidth, newHeight) = (width / 2, height / 2)
        let (stride, newStride) = (width * 3, newWidth * 3)
        let out = [UInt8](unsafeUninitializedCapacity: newHeight * newStride) { buffer, count in
            pixels.withUnsafeBufferPointer { pixels in
                guard let source = pixels.baseAddress, let target = buffer.baseAddress else { return }
                for row in 0..<newHeight {
                    let upper = source + 2 * row * stride
                    let lower = upper + stride
                    let line = target + row * newStride
                    for column in 0..<newWidth {
                        for channel in 0..<3 {
                            let place = 6 * column + channel
                            let above = (UInt16(upper[place]) &+ UInt16(upper[place + 3]) &+ 1) >> 1
                            let below = (UInt16(lower[place]) &+ UInt16(lower[place + 3]) &+ 1) >> 1
                            line[3 * column + channel] = UInt8(truncatingIfNeeded: (above &+ below &+ 1) >> 1)
                        }
                    }
                }
            }
            count = buffer.count
        }
        return RGBImage(width: newWidth, height: newHeight, pixels: out)
    }
}
