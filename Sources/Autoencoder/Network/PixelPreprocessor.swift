// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// From a picture's bytes to what the encoder's network sees: scaled to 0...1, resized, standardised per channel.
///
/// The resizing is PyTorch's `interpolate(mode="bicubic", align_corners=False)`; see model.md 1, step 3.
package struct PixelPreprocessor: Sendable {
    package let imageSide: Int
    package let inputSide: Int
    private let mean: [Float]
    private let deviation: [Float]
    private let axis: AxisResampling
    /// v / 255 for each byte.
    private let scaled: [Float]

    package init(_ configuration: ModelConfiguration) {
        imageSide = configuration.imageSide
        inputSide = configuration.encoder.inputSide
        mean = configuration.encoder.mean.map { Float($0) }
        deviation = configuration.encoder.deviation.map { Float($0) }
        axis = .bicubic(from: imageSide, to: inputSide)
        scaled = (0..<256).map { Float($0) / 255 }
    }

    /// - `pixels`: `[imageSide, imageSide, 3]`.
    /// - `flipped`: whether the picture is mirrored left to right.
    /// - `output`: `[3, inputSide, inputSide]`.
    func callAsFunction(
        _ pixels: UnsafePointer<UInt8>,
        flipped: Bool,
        into output: UnsafeMutablePointer<Float>,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        workspace.scope {
            // One row at full width and one plane of narrowed rows for each channel, which a member owns meanwhile.
            let rows = workspace.take(3 * imageSide)
            let planes = workspace.take(3 * imageSide * inputSide)
            team.forEach(3) { channel, _ in
                let target = output + channel * inputSide * inputSide
                let row = rows + channel * imageSide
                let plane = planes + channel * imageSide * inputSide
                let narrowed = imageSide == inputSide ? target : plane
                for y in 0..<imageSide {
                    spread(pixels + y * imageSide * 3 + channel, flipped: flipped, into: row)
                    if imageSide == inputSide {
                        (narrowed + y * inputSide).update(from: row, count: inputSide)
                    } else {
                        axis.resampleRow(row, into: narrowed + y * inputSide)
                    }
                }
                if imageSide != inputSide {
                    axis.resampleRows(plane, width: inputSide, into: target)
                }
                let (mean, deviation) = (mean[channel], deviation[channel])
                for index in 0..<inputSide * inputSide {
                    target[index] = (target[index] - mean) / deviation
                }
            }
        }
    }

    var workspaceCount: Int {
        Workspace.span(3 * imageSide) + Workspace.span(3 * imageSide * inputSide)
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
