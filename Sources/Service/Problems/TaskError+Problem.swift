// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands

extension TaskError: ProblemConvertible {
    package var problem: Problem {
        switch self {
        case .pixelCount(let expected, let found), .latentCount(let expected, let found):
            .tensorShape(
                "The input has \(found) values; \(expected) are expected.",
                expected: "\(expected)",
                got: "\(found)"
            )
        case .inputNotFinite(let index):
            Problem(.tensorNonfinite, "Value \(index) of the tensor is NaN or infinite.", [("index", .integer(index))])
        case .resultNotFinite:
            Problem(.tensorNonfinite, "The values of the latent are so large that the result overflows.", [])
        case .modelNotFinite:
            Problem(.internalError, "The model computes values that are NaN or infinite; its weights are at fault.")
        case .frequencyTokenCount(let found, let minimum, let maximum):
            .tensorShape(
                "The tensor has \(found) coefficients per channel; \(minimum) to \(maximum) are allowed.",
                expected: "\(minimum) to \(maximum)",
                got: "\(found)"
            )
        case .compactSide(let found, let maximum):
            .tensorShape(
                "The block has \(found) tokens per side; 1 to \(maximum) are allowed.",
                expected: "1 to \(maximum)",
                got: "\(found)"
            )
        case .cut(let error), .bands(let error): error.problem
        case .bandsUnavailable:
            .featureUnavailable("freq_ratio needs FFT bands, which this model does not have.", missing: "fft-bands")
        case .frequencyRatioOutOfRange(let ratio):
            .badParameter("freq_ratio", String(ratio), allowed: "a number from 0 to 1")
        case .bandOutOfRange(let band, let count): .bandOutOfRange(String(band), count: count)
        case .bandNeedsPixels:
            .conflict("band", "the FFT bands of this model exist while it encodes an image, and a latent was sent")
        case .frequencyRatioNeedsPixels:
            .conflict("freq_ratio", "it acts while an image is encoded, and a latent was sent")
        case .bandEnergiesNeedPixels:
            .conflict("transform", "the FFT bands of this model exist while it encodes an image, and a latent was sent")
        case .bandEnergiesNeedBands:
            .conflict("apply_frequency", "transform=fft shows the bands, which apply_frequency=false leaves out")
        case .normalizationUnavailable:
            .featureUnavailable("This model has no normalisation statistics.", missing: "stats")
        case .headUnavailable: .featureUnavailable("This model has no classification head.", missing: "head")
        case .compactDecodeUnavailable:
            .featureUnavailable("This model's decoder needs the whole grid.", missing: "compact-decode")
        case .compactContribution: .conflict("keep_from", "it needs the whole latent, not a block of its tokens")
        case .compactTokensOnlyDecode: .conflict("cutoff_mode", "a block of tokens can only be decoded to an image")
        case .needsPixels: .conflict("of", "the spectrum of an image needs an image, and a latent was sent")
        case .nothingAsked, .severalEnergies, .severalImages:
            Problem(
                .internalError,
                "The engine got a task without outputs, or with several spectra of one kind, or several images."
            )
        }
    }
}
