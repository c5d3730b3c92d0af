// SPDX-License-Identifier: Apache-2.0

import OpenBLASOracle
import TensorKernels
import Testing

@Suite struct OpenBLASTests {
    // The shapes of the published model, at which the naive product would take minutes.
    @Test(
        arguments: KernelSet.available,
        [(257, 1152, 4096), (257, 4096, 1152), (261, 2304, 768), (261, 768, 3072), (60, 1000, 1280), (1, 768, 588)]
    )
    func productsEqualOpenBLAS(kernels: KernelSet, shape: (rows: Int, outputs: Int, inputs: Int)) {
        let (rows, outputs, inputs) = shape
        let x = Samples.of(rows * inputs, seed: 1)
        let weight = Samples.of(outputs * inputs, seed: 2)
        var expected = [Float](repeating: .nan, count: rows * outputs)
        OpenBLASOracle.product(x, weight, rows: rows, outputs: outputs, inputs: inputs, into: &expected)
        let layer = PackedLinear(weight: weight, bias: nil, outputs: outputs, inputs: inputs, kernels: kernels)
        let found = PackedLinearTests.Product(x: x, layer: layer, kernels: kernels)(rows: rows)
        // Sums of random terms below 1 reach some 2 √inputs; both sides round each of them.
        #expect(largestDistance(found, expected.map(Double.init)) < 8e-8 * Double(inputs) + 1e-6)
    }
}
