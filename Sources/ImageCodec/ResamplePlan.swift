// SPDX-License-Identifier: Apache-2.0

/// The resizes from a stored image to an upright square; each computes only the pixels that the next one reads.
///
/// The plan is made for the upright image and run on the stored one: a rotated image is never rotated at full size;
/// only its result is.
struct ResamplePlan {
    private let side: Int
    private let width: Int
    private let orientation: Orientation
    private let steps: [ResampleStep]

    /// Halvings with a box filter while both sides are at least twice `side`, then the shorter side bicubic to `side`.
    init(centerCrop side: Int, width: Int, height: Int, _ orientation: Orientation) {
        precondition(side > 0, "a crop has a size")
        var sizes = [orientation.transposes ? (height, width) : (width, height)]
        var last = sizes[0]
        while min(last.0, last.1) >= 2 * side {
            last = (last.0 / 2, last.1 / 2)
            sizes.append(last)
        }
        let scale = Double(side) / Double(min(last.0, last.1))
        let scaled = (
            Int((Double(last.0) * scale).rounded(.toNearestOrEven)),
            Int((Double(last.1) * scale).rounded(.toNearestOrEven))
        )
        let (left, top) = ((scaled.0 - side) / 2, (scaled.1 - side) / 2)
        var step = ResampleStep(
            .bicubic,
            from: last,
            to: scaled,
            columns: left..<left + side,
            rows: top..<top + side
        )
        var steps = [step.turned(orientation, source: last)]
        for level in (1..<sizes.count).reversed() {
            let source = sizes[level - 1]
            step = ResampleStep(.box, from: source, to: sizes[level], columns: step.x.inputs, rows: step.y.inputs)
            steps.append(step.turned(orientation, source: source))
        }
        self.steps = steps.reversed()
        (self.side, self.width, self.orientation) = (side, width, orientation)
    }

    /// One bicubic resize of the whole image.
    init(squash side: Int, width: Int, height: Int, _ orientation: Orientation) {
        precondition(side > 0, "a square has a size")
        let size = orientation.transposes ? (height, width) : (width, height)
        let step = ResampleStep(.bicubic, from: size, to: (side, side), columns: 0..<side, rows: 0..<side)
        steps = [step.turned(orientation, source: size)]
        (self.side, self.width, self.orientation) = (side, width, orientation)
    }

    /// Runs the plan on an image that is no longer needed: halvings overwrite it, so no second one is allocated.
    func run(overwriting stored: UnsafeMutablePointer<UInt8>) -> RGBImage {
        run(stored, halvingsInto: stored)
    }

    /// Runs the plan on an image without changing it.
    func run(_ stored: UnsafePointer<UInt8>) -> RGBImage {
        let memory = PixelMemory(byteCount: steps.count > 1 ? steps[0].byteCount : 0)
        return run(stored, halvingsInto: memory.base)
    }

    private func run(_ stored: UnsafePointer<UInt8>, halvingsInto target: UnsafeMutablePointer<UInt8>) -> RGBImage {
        var stride = 3 * width
        // Later steps get exactly the pixels that they requested; the first step reads them from the whole image.
        var source = stored + steps[0].y.inputs.lowerBound * stride + 3 * steps[0].x.inputs.lowerBound
        for step in steps.dropLast() {
            step.run(source, stride: stride, into: target)
            source = UnsafePointer(target)
            stride = 3 * step.x.outputCount
        }
        let square = PixelMemory(byteCount: 3 * side * side)
        steps[steps.count - 1].run(source, stride: stride, into: square.base)
        return orientation.applied(to: square.base, width: side, height: side)
    }
}
