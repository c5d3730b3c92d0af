// SPDX-License-Identifier: Apache-2.0

internal import CPixels

/// Pillow's filters, as functions of the distance in input pixels at scale 1.
enum ResampleFilter {
    case box
    case bicubic

    var support: Double { self == .box ? 0.5 : 2 }

    func weight(_ distance: Double) -> Double {
        switch self {
        case .box:
            return distance > -0.5 && distance <= 0.5 ? 1 : 0
        case .bicubic:
            let a = -0.5
            let x = abs(distance)
            if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
            if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
            return 0
        }
    }
}

/// One axis of a resampling step: for each requested output pixel, the window of input pixels and their weights.
///
/// Bit for bit Pillow's `precompute_coeffs` and `normalize_coeffs_8bpc` (docs/model.md, "Image in"): the sums below
/// keep its order, because a different last bit of a weight changes the truncated coefficient.
struct ResampleAxis {
    /// The input pixels that the outputs wanted draw on; `starts` count from its lower bound.
    private(set) var inputs: Range<Int>
    private(set) var starts: [Int32]
    private(set) var counts: [Int32]
    /// Fixed-point with 22 fractional bits, `[outputs, stride]`.
    private(set) var weights: [Int32]
    private(set) var stride: Int
    /// For each output how many from it on are averages of two neighbours, one pair after the other.
    private(set) var pairRuns: [Int32] = []
    /// No change of scale: Pillow skips the pass, and so does everything here.
    let isIdentity: Bool

    var outputCount: Int { starts.count }
    var longestWindow: Int { counts.reduce(0) { longest, count in max(longest, Int(count)) } }

    /// - Parameters:
    init(_ filter: ResampleFilter, from inputCount: Int, to outputCount: Int, outputs: Range<Int>) {
        isIdentity = inputCount == outputCount
        inputs = outputs
        starts = []
        counts = []
        weights = []
        stride = 0
        if isIdentity {
            starts = (0..<Int32(outputs.count)).map(\.self)
            counts = [Int32](repeating: 1, count: outputs.count)
            return
        }
        let scale = Double(inputCount) / Double(outputCount)
        let filterScale = max(scale, 1)
        let support = filter.support * filterScale
        let inverse = 1 / filterScale
        stride = Int(support.rounded(.up)) * 2 + 1
        starts.reserveCapacity(outputs.count)
        counts.reserveCapacity(outputs.count)
        weights.reserveCapacity(outputs.count * stride)
        var window = [Double](repeating: 0, count: stride)
        for output in outputs {
            let centre = (Double(output) + 0.5) * scale
            let lower = max(Int(centre - support + 0.5), 0)
            let upper = min(Int(centre + support + 0.5), inputCount)
            let count = upper - lower
            var sum = 0.0
            for index in 0..<count {
                window[index] = filter.weight((Double(index + lower) - centre + 0.5) * inverse)
                sum += window[index]
            }
            starts.append(Int32(lower))
            counts.append(Int32(count))
            for index in 0..<stride {
                let weight = index < count ? (sum == 0 ? window[index] : window[index] / sum) * Double(1 << 22) : 0
                weights.append(Int32(weight < 0 ? weight - 0.5 : weight + 0.5))
            }
        }
        // Windows move to the right as outputs do, so the first and the last bound them all.
        let first = starts.first ?? 0
        inputs = Int(first)..<Int((starts.last ?? 0) + (counts.last ?? 0))
        starts = starts.map { start in start - first }
        pairRuns = findPairRuns()
    }

    private func findPairRuns() -> [Int32] {
        let half = Int32(1 << 21)
        var runs = [Int32](repeating: 0, count: outputCount)
        for index in runs.indices.reversed() {
            guard counts[index] == 2, weights[index * stride] == half, weights[index * stride + 1] == half else {
                continue
            }
            let next = index + 1
            runs[index] = next < outputCount && starts[next] == starts[index] + 2 ? runs[next] + 1 : 1
        }
        return runs
    }

    /// The same axis from its other end, for images that are stored mirrored.
    func mirrored(inputCount: Int) -> ResampleAxis {
        var axis = self
        axis.inputs = inputCount - inputs.upperBound..<inputCount - inputs.lowerBound
        let outputs = (0..<outputCount).reversed()
        axis.starts = outputs.map { output in Int32(inputs.count) - starts[output] - counts[output] }
        axis.counts = counts.reversed()
        guard !isIdentity else { return axis }
        axis.weights.removeAll(keepingCapacity: true)
        for output in outputs {
            let row = weights[output * stride..<(output + 1) * stride]
            axis.weights += row.prefix(Int(counts[output])).reversed() + row.dropFirst(Int(counts[output]))
        }
        axis.pairRuns = axis.findPairRuns()
        return axis
    }

    /// Lends the tables to a kernel.
    func withKernelAxis(_ body: (CPixelsAxis) -> Void) {
        starts.withUnsafeBufferPointer { starts in
            counts.withUnsafeBufferPointer { counts in
                weights.withUnsafeBufferPointer { weights in
                    pairRuns.withUnsafeBufferPointer { runs in
                        guard let start = starts.baseAddress, let count = counts.baseAddress,
                            let weight = weights.baseAddress, let run = runs.baseAddress
                        else { return }
                        body(
                            CPixelsAxis(
                                starts: start,
                                counts: count,
                                weights: weight,
                                pair_runs: run,
                                stride: Int32(stride),
                                outputs: Int32(starts.count)
                            )
                        )
                    }
                }
            }
        }
    }
}
