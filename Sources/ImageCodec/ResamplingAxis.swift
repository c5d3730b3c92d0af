// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Pillow's two filters that the centre crop uses.
enum ResamplingFilter {
    case box
    /// Keys' cubic with a = -0.5.
    case bicubic

    var support: Double {
        switch self {
        case .box: 0.5
        case .bicubic: 2
        }
    }

    func weight(_ position: Double) -> Double {
        switch self {
        case .box: return position > -0.5 && position <= 0.5 ? 1 : 0
        case .bicubic:
            let a = -0.5
            let x = abs(position)
            if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
            if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
            return 0
        }
    }
}

/// The taps of one axis: for each wanted output position, where its inputs begin and their fixed-point weights.
///
/// - Source: Pillow's `precompute_coeffs` and `normalize_coeffs_8bpc`; model.md section 1.2.
struct ResamplingAxis {
    /// Fractional bits of a weight, so that 255 times a sum of weights fits 32 bits.
    static let precision: Int32 = 22

    /// First input of each output.
    private(set) var starts: [Int] = []
    /// Weights of all outputs, one after the other.
    private(set) var weights: [Int32] = []
    /// Where each output's weights begin; one more than there are outputs.
    private(set) var offsets: [Int] = [0]

    /// - Parameters:
    ///   - input: length of the axis before.
    ///   - output: length after, of the whole picture.
    ///   - wanted: the output positions that are needed.
    init(input: Int, output: Int, wanted: Range<Int>, filter: ResamplingFilter) {
        let scale = Double(input) / Double(output)
        let filterScale = max(scale, 1)
        let support = filter.support * filterScale
        let inverse = 1 / filterScale
        for position in wanted {
            let center = (Double(position) + 0.5) * scale
            let first = max(Int(center - support + 0.5), 0)
            let end = min(Int(center + support + 0.5), input)
            let raw = (first..<end).map { filter.weight((Double($0) - center + 0.5) * inverse) }
            let sum = raw.reduce(0, +)
            starts.append(first)
            for weight in raw {
                let scaled = (sum == 0 ? weight : weight / sum) * Double(1 << Self.precision)
                weights.append(Int32(scaled < 0 ? scaled - 0.5 : scaled + 0.5))
            }
            offsets.append(weights.count)
        }
    }

    /// The inputs that any wanted output reads.
    var inputs: Range<Int> {
        let first = starts.min() ?? 0
        let end = starts.indices.map { starts[$0] + offsets[$0 + 1] - offsets[$0] }.max() ?? first
        return first..<end
    }

    var count: Int { starts.count }
}
