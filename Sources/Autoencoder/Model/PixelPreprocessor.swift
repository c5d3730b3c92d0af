// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// From an image's bytes to the input of the encoder's network: scaled to 0...1, resized, standardised per channel.
///
/// The resizing is PyTorch's `interpolate(mode="bicubic", align_corners=False)`; see docs/model.md, "Image in".
struct PixelPreprocessor: Sendable {
    let imageSide: Int
    let inputSide: Int
    /// The layout of the network's input: `[3, inputSide, inputSide]` or `[inputSide, inputSide, 3]`.
    let layout: MapLayout
    private let mean: [Float]
    private let deviation: [Float]
    private let axis: AxisResampling
    /// v / 255 for each byte.
    private let scaled: [Float]
    /// The same, standardised, for each channel: all there is to do where nothing is resized.
    private let standardized: [Float]

    private static let rowsAtATime = 8

    private var resizes: Bool { imageSide != inputSide }

    init(_ configuration: EncoderConfiguration, imageSide: Int, layout: MapLayout) {
        self.imageSide = imageSide
        self.layout = layout
        inputSide = configuration.inputSide
        let mean = configuration.mean.map { Float($0) }
        let deviation = configuration.deviation.map { Float($0) }
        let scaled = (0..<256).map { Float($0) / 255 }
        standardized = (0..<3).flatMap { channel in scaled.map { ($0 - mean[channel]) / deviation[channel] } }
        (self.mean, self.deviation, self.scaled) = (mean, deviation, scaled)
        axis = .bicubic(from: imageSide, to: inputSide)
    }

    /// - `pixels`: `[imageSide, imageSide, 3]`.
    /// - `flipped`: whether the image is mirrored left to right.
    /// - `output`: in `layout`.
    func callAsFunction(
        _ pixels: UnsafePointer<UInt8>,
        flipped: Bool,
        into output: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        if resizes {
            resize(pixels, flipped: flipped, into: output, in: context)
        } else {
            standardize(pixels, flipped: flipped, into: output, in: context)
        }
    }

    private func standardize(
        _ pixels: UnsafePointer<UInt8>,
        flipped: Bool,
        into output: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        let steps = steps
        standardized.withUnsafeBufferPointer { table in
            context.forEach((imageSide + Self.rowsAtATime - 1) / Self.rowsAtATime) { block in
                for y in block * Self.rowsAtATime..<min(imageSide, (block + 1) * Self.rowsAtATime) {
                    for x in 0..<imageSide {
                        let pixel = pixels + (y * imageSide + (flipped ? imageSide - 1 - x : x)) * 3
                        let target = output + (y * imageSide + x) * steps.pixel
                        target[0] = table[Int(pixel[0])]
                        target[steps.channel] = table[256 + Int(pixel[1])]
                        target[2 * steps.channel] = table[512 + Int(pixel[2])]
                    }
                }
            }
        }
    }

    private func resize(
        _ pixels: UnsafePointer<UInt8>,
        flipped: Bool,
        into output: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        let steps = steps
        context.forEach(3) { own in
            // A row at full width, the plane of narrowed rows, and the resized plane of one channel.
            (
                row: own.take(imageSide), narrowed: own.take(imageSide * inputSide),
                resized: own.take(inputSide * inputSide)
            )
        } _: { channel, buffers in
            for y in 0..<imageSide {
                spread(pixels + y * imageSide * 3 + channel, flipped: flipped, into: buffers.row)
                axis.resampleRow(buffers.row, into: buffers.narrowed + y * inputSide)
            }
            axis.resampleRows(buffers.narrowed, width: inputSide, into: buffers.resized)
            let (mean, deviation) = (mean[channel], deviation[channel])
            let target = output + channel * steps.channel
            for index in 0..<inputSide * inputSide {
                target[index * steps.pixel] = (buffers.resized[index] - mean) / deviation
            }
        }
    }

    /// Floats from a pixel, and from a channel, to the next.
    private var steps: (pixel: Int, channel: Int) {
        switch layout {
        case .channelsFirst: (1, inputSide * inputSide)
        case .channelsLast: (3, 1)
        }
    }

    /// One channel of one row of pixels as floats.
    private func spread(_ pixels: UnsafePointer<UInt8>, flipped: Bool, into row: UnsafeMutablePointer<Float>) {
        scaled.withUnsafeBufferPointer { scaled in
            if flipped {
                for x in 0..<imageSide { row[x] = scaled[Int(pixels[(imageSide - 1 - x) * 3])] }
            } else {
                for x in 0..<imageSide { row[x] = scaled[Int(pixels[x * 3])] }
            }
        }
    }
}
