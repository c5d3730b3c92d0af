// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The size of a linear layer and how many a model has of it.
package struct LinearShape: Sendable, Hashable {
    package var outputs: Int
    package var inputs: Int
    package var count: Int

    package init(outputs: Int, inputs: Int, count: Int = 1) {
        self.outputs = outputs
        self.inputs = inputs
        self.count = count
    }
}

/// Times both products on a model's own shapes, before its weights are arranged for one of them.
///
/// One thread multiplies by random weights. A large layer is represented by a block of its columns and a part of its
/// depth, so that the trial takes a tenth of a second.
package struct MatrixProductTrial: Sendable, Equatable {
    /// Multiplications and additions in billions a second.
    package let packedRate: Double
    package let openBLASRate: Double

    /// How many times as fast the faster product is.
    package var ratio: Double { max(packedRate, openBLASRate) / min(packedRate, openBLASRate) }

    /// Seconds after which no further shape is begun, if it would take as long as the one before.
    private static let budget = 0.09
    private static let greatestOutputs = 384

    /// - Returns: nil where every layer is too small for OpenBLAS.
    init?(_ library: OpenBLAS, layers: [LinearShape], rows: Int, kernels: KernelSet) {
        let greatestInputs = kernels.hasFusedMultiplyAdd ? 1024 : 256
        var weights: [LinearShape: Double] = [:]
        for layer in layers where PlainWeights.fits(outputs: layer.outputs, inputs: layer.inputs) {
            let part = LinearShape(
                outputs: min(layer.outputs, Self.greatestOutputs),
                inputs: min(layer.inputs, greatestInputs)
            )
            guard PlainWeights.fits(outputs: part.outputs, inputs: part.inputs) else { continue }
            weights[part, default: 0] += Double(layer.count * layer.outputs * layer.inputs)
        }
        // The heaviest first; a fixed order among equals.
        let parts = weights.sorted {
            ($0.value, $0.key.inputs, $0.key.outputs) > ($1.value, $1.key.inputs, $1.key.outputs)
        }
        let start = seconds(CLOCK_MONOTONIC)
        var (packed, openBLAS, total, latest) = (0.0, 0.0, 0.0, 0.0)
        for (part, weight) in parts {
            let began = seconds(CLOCK_MONOTONIC)
            guard total == 0 || began - start + latest < Self.budget else { break }
            // At least a whole block: OpenBLAS would be charged with padding that larger products do not have.
            let rows = min(max(rows, RowBlocks.greatestUnit), RowBlocks.greatestLimit)
            let measured = Self.time(library, part, rows: rows, kernels: kernels)
            let operations = 2 * Double(rows * part.outputs * part.inputs)
            packed += weight * measured.packed / operations
            openBLAS += weight * measured.openBLAS / operations
            total += weight
            latest = seconds(CLOCK_MONOTONIC) - began
        }
        guard total > 0, packed > 0, openBLAS > 0 else { return nil }
        packedRate = total / packed / 1e9
        openBLASRate = total / openBLAS / 1e9
    }

    /// The least time of each product in two rounds, taken in turns.
    private static func time(
        _ library: OpenBLAS,
        _ shape: LinearShape,
        rows: Int,
        kernels: KernelSet
    ) -> (packed: Double, openBLAS: Double) {
        var state: UInt32 = 1
        func noise(_ count: Int) -> [Float] {
            (0..<count).map { _ in
                state = state &* 1_664_525 &+ 1_013_904_223
                return Float(Int32(bitPattern: state)) / 2_147_483_648
            }
        }
        let x = noise(rows * shape.inputs)
        let weight = noise(shape.outputs * shape.inputs)
        let layers = [MatrixProduct.packed, .openBLAS(library)].map {
            PackedLinear(
                weight: weight,
                bias: weight,
                outputs: shape.outputs,
                inputs: shape.inputs,
                product: $0,
                kernels: kernels
            )
        }
        let count = PackedLinear.scratchCount(rows: rows, inputs: shape.inputs, teamSize: 1, kernels: kernels)
        var scratch = [Float](repeating: 0, count: count)
        var out = [Float](repeating: 0, count: rows * shape.outputs)
        var least = [Double.infinity, .infinity]
        // The first round warms the caches and OpenBLAS' buffer.
        for round in 0..<3 {
            for (index, layer) in layers.enumerated() {
                // The thread's own processor time leaves out what neighbours take.
                let before = seconds(CLOCK_THREAD_CPUTIME_ID)
                layer(x, rows: rows, into: &out, scratch: &scratch, team: .solo)
                let took = seconds(CLOCK_THREAD_CPUTIME_ID) - before
                if round > 0 { least[index] = min(least[index], took) }
            }
        }
        return (least[0], least[1])
    }
}

private func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
