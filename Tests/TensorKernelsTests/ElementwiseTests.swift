// SPDX-License-Identifier: Apache-2.0

import Foundation
import TensorKernels
import Testing

@Suite struct ElementwiseTests {
    static func exact(_ x: Double, _ activation: Epilogue) -> Double {
        switch activation {
        case .none, .accumulate: x
        case .gelu: x * 0.5 * erfc(-x / 2.0.squareRoot())
        case .geluTanh: x * 0.5 * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        case .quickGELU: x / (1 + exp(-1.702 * x))
        case .relu: max(x, 0)
        case .relu6: min(max(x, 0), 6)
        case .silu: x / (1 + exp(-x))
        }
    }

    @Test(arguments: KernelSet.available, Epilogue.allCases)
    func activationsEqualTheirFormulas(kernels: KernelSet, activation: Epilogue) {
        let inputs = (-12_000...12_000).map { Float($0) * 0.001 } + [-1e30, -200, -88, 88, 200, 1e30]
        var found = inputs
        activate(&found, count: found.count, activation, kernels: kernels)
        for (x, y) in zip(inputs, found) {
            let expected = Self.exact(Double(x), activation)
            // A few units in the last place of 1, carried by the factor x.
            let tolerance = 2.5e-7 * max(1, abs(Double(x)))
            #expect(abs(Double(y) - expected) <= tolerance, "at \(x)")
        }
    }

    @Test(arguments: KernelSet.available, [(1, 1), (3, 5), (7, 64), (9, 67), (2, 768), (5, 1152), (4, 100)])
    func layerNormEqualsItsFormula(kernels: KernelSet, shape: (rows: Int, width: Int)) {
        let (rows, width) = shape
        // Far from zero, where a one-pass variance would lose its digits.
        let x = Samples.of(rows * width, seed: 1).map { $0 * 2 + 100 }
        let weight = Samples.of(width, seed: 2)
        let bias = Samples.of(width, seed: 3)
        for affine in [true, false] {
            for team in [ComputeTeam.solo, ComputeTeam(size: 3)] {
                var found = x
                found.withUnsafeMutableBufferPointer { buffer in
                    layerNorm(
                        buffer.baseAddress!,
                        rows: rows,
                        width: width,
                        weight: affine ? UnsafePointer(weight.withUnsafeBufferPointer { $0.baseAddress! }) : nil,
                        bias: affine ? UnsafePointer(bias.withUnsafeBufferPointer { $0.baseAddress! }) : nil,
                        epsilon: 1e-6,
                        into: buffer.baseAddress!,
                        team: team,
                        kernels: kernels
                    )
                }
                var expected: [Double] = []
                for row in 0..<rows {
                    let values = x[row * width..<(row + 1) * width].map(Double.init)
                    let mean = values.reduce(0, +) / Double(width)
                    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
                    for (i, value) in values.enumerated() {
                        let y = (value - mean) / (variance + 1e-6).squareRoot()
                        expected.append(affine ? y * Double(weight[i]) + Double(bias[i]) : y)
                    }
                }
                // Inputs near 100 carry 4e-6 of rounding in their mean.
                #expect(largestDistance(found, expected) < 3e-5)
            }
        }
    }

    @Test(arguments: KernelSet.available, [(1, 1), (2, 3), (3, 16), (4, 37), (2, 1000)])
    func softmaxEqualsItsFormula(kernels: KernelSet, shape: (rows: Int, columns: Int)) {
        let (rows, columns) = shape
        let x = Samples.of(rows * columns, seed: 4, scale: 30)
        var found = x
        softmax(&found, rows: rows, columns: columns, kernels: kernels)
        var expected: [Double] = []
        for row in 0..<rows {
            let values = x[row * columns..<(row + 1) * columns].map(Double.init)
            let top = values.max() ?? 0
            let exponentials = values.map { exp($0 - top) }
            let total = exponentials.reduce(0, +)
            expected += exponentials.map { $0 / total }
        }
        #expect(largestDistance(found, expected) < 1e-6)
    }
}
