// SPDX-License-Identifier: Apache-2.0

extension RGBImage {
    /// The centre square at the model's size, equal to Pillow 13 to the bit (docs/model.md, "Image in").
    ///
    /// The image is halved with a box filter while both sides are at least twice `side`, scaled so that the shorter
    /// side is `side`, and cropped.
    ///
    /// - Precondition: `side` is positive.
    package func centerCropped(to side: Int) -> RGBImage {
        let plan = ResamplePlan(centerCrop: side, width: width, height: height, .upright)
        return pixels.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return self }
            return plan.run(start)
        }
    }

    /// The whole image at `side` x `side`, whatever its shape: one bicubic resize, equal to Pillow 13's to the bit.
    ///
    /// - Precondition: `side` is positive.
    package func squashed(to side: Int) -> RGBImage {
        let plan = ResamplePlan(squash: side, width: width, height: height, .upright)
        return pixels.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return self }
            return plan.run(start)
        }
    }
}
