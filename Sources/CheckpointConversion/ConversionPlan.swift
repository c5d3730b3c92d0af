// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands

/// The output of a conversion and its sources; every kind of source is reduced to this type.
struct ConversionPlan {
    /// Without a revision, which is derived from the weights' digest.
    var description: ModelDescription
    var tensors: TensorTable
    var statistics: StatisticsSource?
    var report: ConversionReport
}

extension ModelDescription.Encoder {
    /// The bounds of a model folder, for what is computed or allocated from these sizes before the folder is checked.
    ///
    /// - Throws: `.configuration`.
    func checkSizes() throws(ConversionError) {
        for (path, value, limit) in [("channels", width, 8192), ("grid_side", gridSide, 64)] {
            guard (1...limit).contains(value) else {
                throw .configuration(.outOfRange(path: path, value: Double(value), minimum: 1, maximum: Double(limit)))
            }
        }
    }
}

/// What the converter understood, for the person who called it.
package struct ConversionReport: Sendable {
    /// Labels and values, in the order in which they are printed.
    package var lines: [(label: String, value: String)] = []
    /// What differs from the authors' code, or was filled in.
    package var notes: [String] = []

    package var text: String {
        let width = lines.map(\.label.count).max() ?? 0
        let table = lines.map { line in
            line.label + String(repeating: " ", count: width + 2 - line.label.count) + line.value
        }
        return (table + notes.map { "note: " + $0 }).joined(separator: "\n")
    }

    mutating func add(_ label: String, _ value: String) {
        lines.append((label, value))
    }
}

extension ConversionReport {
    /// The lines that every model has.
    mutating func describe(_ model: ModelDescription, edition: String, statistics: StatisticsSource?) {
        add("edition", edition)
        let (encoder, decoder) = (model.encoder, model.decoder)
        add("encoder", "\(encoder.family.rawValue), width \(encoder.width), depth \(encoder.blocks.depth)")
        add("decoder", "width \(decoder.blocks.width), depth \(decoder.blocks.depth)")
        let side = model.encoder.gridSide
        add("latent", "\(model.encoder.width) x \(side) x \(side)")
        let output = model.decoder.outputSide
        add(
            "image",
            "\(model.imageSide) x \(model.imageSide) in, \(model.encoder.inputSide) to the encoder, \(output) x \(output) out"
        )
        add("frequency", model.frequency.sentence)
        add(
            "statistics",
            statistics.map { "mean and variance" + ($0.epsilon > 0 ? ", eps \($0.epsilon)" : "") } ?? "none"
        )
    }
}

extension ModelDescription.Frequency {
    /// One line for people.
    fileprivate var sentence: String {
        switch self {
        case .none: return "none"
        case .dct(let order, let cutoff, let mode, let count, let decodeCount, let decodesCorner):
            guard let count else { return "DCT, nothing cut" }
            var text = "DCT, \(mode.rawValue) \(count), \(cutoff.rawValue)"
            if cutoff == .reorder1D { text += ", \(order.rawValue)" }
            if let decodeCount, decodesCorner { text += ", decoded from \(decodeCount) tokens" }
            return text
        case .fft(let schedule, let mixingLayers, let condition, _):
            let radii = schedule.map { String($0) }.joined(separator: ", ")
            return "FFT, \(schedule.count) bands [\(radii)], \(mixingLayers) mixing layers, \(condition.rawValue)"
        }
    }
}
