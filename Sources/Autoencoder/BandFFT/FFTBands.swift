// SPDX-License-Identifier: Apache-2.0

import FrequencyBands
import TensorKernels

/// The frequency module of the paper's first edition, the last step of its encoder.
///
/// The latent's FFT bands are conditioned, mixed and denoised; their sum is the latent. The decoder has no bands.
///
/// - Source: docs/model.md, "First edition".
struct FFTBands: Sendable {
    let bandCount: Int
    let channels: Int
    let gridSide: Int
    let rings: RingBands
    /// `[bandCount, bandCount]`, all mixing layers in one; nil for none.
    ///
    /// New band i is the sum over j of mixing[i, j] times band j.
    let mixing: [Float]?
    /// Whether bands above the request's `freq_ratio` become zero; `noise_only` models leave them as they are.
    let cutsBands: Bool
    /// The two 3x3 convolutions of the denoiser, from the bands side by side to one map.
    let first: Convolution
    let second: Convolution

    private var latentCount: Int { channels * gridSide * gridSide }
    private var bandShape: MapShape { MapShape(height: gridSide, width: gridSide, channels: bandCount * channels) }
    private var hiddenShape: MapShape { MapShape(height: gridSide, width: gridSide, channels: first.linear.outputs) }
    private var outputShape: MapShape { MapShape(height: gridSide, width: gridSide, channels: channels) }

    /// Replaces the encoder's maps by the latents.
    ///
    /// - `latents`: `[images, channels, gridSide, gridSide]`.
    /// - `kept`: the bands that are mixed; the others become zero before.
    /// - `observe`: gets each image's mixed bands for the duration of the call: `[bandCount, channels, gridSide,
    ///   gridSide]`.
    func callAsFunction(
        _ latents: UnsafeMutablePointer<Float>,
        images: Int,
        keeping kept: Range<Int>,
        in context: ComputeContext,
        observe: (_ image: Int, _ bands: UnsafePointer<Float>) -> Void
    ) {
        context.scope {
            let bands = context.take(bandShape.count)
            let maps = context.take(images * bandShape.count)
            for image in 0..<images {
                let latent = latents + image * latentCount
                split(latent, into: bands, in: context)
                context.compute {
                    for band in 0..<bandCount where !kept.contains(band) {
                        (bands + band * latentCount).update(repeating: 0, count: latentCount)
                    }
                }
                if let mixing { mix(bands, by: mixing, in: context) }
                context.compute { observe(image, bands) }
                addUp(bands, into: latent, in: context)
                let map = maps + image * bandShape.count
                context.compute { transpose(bands, rows: bandShape.channels, columns: bandShape.rows, into: map) }
            }
            denoise(maps, images: images, into: latents, in: context)
        }
    }

    private func split(
        _ latent: UnsafePointer<Float>,
        into bands: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        let area = gridSide * gridSide
        context.forEachPart(of: channels) { own in
            own.take(rings.scratchCount)
        } _: { first, count, scratch in
            rings.split(
                latent + first * area,
                channels: count,
                into: bands + first * area,
                stride: latentCount,
                scratch: scratch
            )
        }
    }

    /// Mixes the bands in place.
    private func mix(_ bands: UnsafeMutablePointer<Float>, by matrix: [Float], in context: ComputeContext) {
        let count = bandCount
        context.forEachPart(of: channels) { channel, channelCount in
            matrix.withUnsafeBufferPointer { matrix in
                // One value of each band; small, so that it lies on the stack.
                withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { values in
                    for place in channel * gridSide * gridSide..<(channel + channelCount) * gridSide * gridSide {
                        for band in 0..<count { values[band] = bands[band * latentCount + place] }
                        for row in 0..<count {
                            var sum: Float = 0
                            for band in 0..<count { sum += matrix[row * count + band] * values[band] }
                            bands[row * latentCount + place] = sum
                        }
                    }
                }
            }
        }
    }

    private func addUp(
        _ bands: UnsafePointer<Float>,
        into latent: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        let area = gridSide * gridSide
        context.forEachPart(of: channels) { first, count in
            for place in first * area..<(first + count) * area {
                var sum: Float = 0
                for band in 0..<bandCount { sum += bands[band * latentCount + place] }
                latent[place] = sum
            }
        }
    }

    /// Adds the denoiser's output to the latents.
    ///
    /// - `maps`: `[images, gridSide, gridSide, bandCount * channels]`.
    private func denoise(
        _ maps: UnsafePointer<Float>,
        images: Int,
        into latents: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        context.scope {
            let hidden = context.take(images * hiddenShape.count)
            let change = context.take(images * outputShape.count)
            first(maps, bandShape, images: images, into: hidden, hiddenShape, adding: false, in: context)
            second(hidden, hiddenShape, images: images, into: change, outputShape, adding: false, in: context)
            let area = gridSide * gridSide
            context.compute {
                for image in 0..<images {
                    let (latent, own) = (latents + image * latentCount, change + image * latentCount)
                    for channel in 0..<channels {
                        for place in 0..<area { latent[channel * area + place] += own[place * channels + channel] }
                    }
                }
            }
        }
    }

    /// Energy of each mixed band: the mean of its squares.
    func energies(ofBands bands: UnsafePointer<Float>) -> [Double] {
        (0..<bandCount).map { band in
            var sum = 0.0
            for index in band * latentCount..<(band + 1) * latentCount {
                let value = Double(bands[index])
                sum += value * value
            }
            return sum / Double(latentCount)
        }
    }
}
