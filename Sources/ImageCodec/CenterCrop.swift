// SPDX-License-Identifier: Apache-2.0

extension RGBImage {
    /// The centre square at the model's size, equal to Pillow 13 to the bit (model.md 1.2).
    ///
    /// Halved with a box filter while both sides are at least twice `side`, scaled until the shorter is `side`, cut.
    ///
    /// - Precondition: `side` is positive.
    package func centerCropped(to side: Int) -> RGBImage {
        ImageCodec.centerCropped(self, orientation: .upright, to: side)
    }

    /// The whole picture at `side` x `side`, whatever its shape; one bicubic resize, equal to Pillow 13's to the bit.
    ///
    /// - Precondition: `side` is positive.
    package func squashed(to side: Int) -> RGBImage {
        ImageCodec.squashed(self, orientation: .upright, to: side)
    }
}

/// Crops a picture stored in any orientation; the result is upright.
func centerCropped(_ image: RGBImage, orientation: Orientation, to side: Int) -> RGBImage {
    precondition(side > 0, "a crop has a size")
    var sizes = [orientation.transposes ? (image.height, image.width) : (image.width, image.height)]
    var (width, height) = sizes[0]
    while min(width, height) >= 2 * side {
        (width, height) = (width / 2, height / 2)
        sizes.append((width, height))
    }
    let scale = Double(side) / Double(min(width, height))
    let scaled = (
        Int((Double(width) * scale).rounded(.toNearestOrEven)), Int((Double(height) * scale).rounded(.toNearestOrEven))
    )
    // From the cut backwards: each step computes only what the next one draws on.
    let (left, top) = ((scaled.0 - side) / 2, (scaled.1 - side) / 2)
    var step = ResampleStep(
        .bicubic,
        from: (width, height),
        to: scaled,
        columns: left..<left + side,
        rows: top..<top + side
    )
    var steps = [(step, sizes[sizes.count - 1])]
    for level in (1..<sizes.count).reversed() {
        step = ResampleStep(
            .box,
            from: sizes[level - 1],
            to: sizes[level],
            columns: step.x.inputs,
            rows: step.y.inputs
        )
        steps.append((step, sizes[level - 1]))
    }
    return run(steps.reversed(), on: image, orientation, side: side)
}

/// Squashes a picture stored in any orientation; the result is upright.
func squashed(_ image: RGBImage, orientation: Orientation, to side: Int) -> RGBImage {
    precondition(side > 0, "a square has a size")
    let size = orientation.transposes ? (image.height, image.width) : (image.width, image.height)
    let step = ResampleStep(.bicubic, from: size, to: (side, side), columns: 0..<side, rows: 0..<side)
    return run([(step, size)], on: image, orientation, side: side)
}

/// Runs steps that were planned on the upright picture on the stored one, then turns the small result.
private func run(
    _ steps: [(ResampleStep, (width: Int, height: Int))],
    on image: RGBImage,
    _ orientation: Orientation,
    side: Int
) -> RGBImage {
    var pixels = image.pixels
    var stride = 3 * image.width
    for (index, planned) in steps.enumerated() {
        let step = planned.0.turned(orientation, source: planned.1)
        // Later steps get exactly the pixels they asked for; the first one finds them inside the whole picture.
        let offset = index == 0 ? step.y.inputs.lowerBound * stride + 3 * step.x.inputs.lowerBound : 0
        pixels = pixels.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return [] }
            return step.run(start + offset, stride: stride)
        }
        stride = 3 * step.x.outputCount
    }
    return orientation.applied(to: RGBImage(width: side, height: side, pixels: pixels))
}
