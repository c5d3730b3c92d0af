// SPDX-License-Identifier: Apache-2.0

import TensorKernels
import Testing

@Suite struct OpenBLASTests {
    // The shapes of the published models, at which the naive product would take minutes.
    @Test(
        arguments: Multiplier.all,
        [(257, 1152, 4096), (257, 4096, 1152), (261, 2304, 768), (261, 768, 3072), (60, 1000, 1280), (1, 768, 588)]
    )
    func layersEqualOneLargeCall(multiplier: Multiplier, shape: (rows: Int, outputs: Int, inputs: Int)) throws {
        let (rows, outputs, inputs) = shape
        let x = Samples.of(rows * inputs, seed: 1)
        let weight = Samples.of(outputs * inputs, seed: 2)
        var expected = [Float](repeating: .nan, count: rows * outputs)
        try OpenBLAS().product(
            x,
            inputStride: inputs,
            weight,
            rows: rows,
            outputs: outputs,
            inputs: inputs,
            into: &expected,
            outputStride: outputs
        )
        let layer = PackedLinear(
            weight: weight,
            bias: nil,
            outputs: outputs,
            inputs: inputs,
            product: multiplier.product,
            kernels: multiplier.kernels
        )
        let found = PackedLinearTests.Product(x: x, layer: layer, kernels: multiplier.kernels)(rows: rows)
        // Sums of random terms below 1 reach some 2 √inputs; both sides round each of them.
        #expect(largestDistance(found, expected.map(Double.init)) < 8e-8 * Double(inputs) + 1e-6)
    }

    /// OpenBLAS takes other code for one row, for small matrices and for what a register tile leaves over.
    @Test(arguments: [(70, 768), (83, 200), (640, 64), (130, 1030)])
    func everyRowCountGivesARowTheSameBits(outputs: Int, inputs: Int) throws {
        let rows = 600
        let x = Samples.of(rows * inputs, seed: 3)
        let weight = Samples.of(outputs * inputs, seed: 4)
        let layer = PackedLinear(
            weight: weight,
            bias: weight,
            outputs: outputs,
            inputs: inputs,
            product: .openBLAS(try OpenBLAS())
        )
        #expect(layer.usesOpenBLAS)
        let product = PackedLinearTests.Product(x: x, layer: layer, kernels: .best)
        let all = product(rows: rows)
        for count in Array(1...50) + [95, 96, 97, 143, 255, 256, 257, 261, 287, 288, 289, 577] {
            #expect(product(rows: count) == Array(all[..<(count * outputs)]), "\(count) rows")
        }
        for first in [1, 7, 13, 100, 263, 301, 599] {
            #expect(
                product(from: first, rows: 1) == Array(all[first * outputs..<(first + 1) * outputs]),
                "row \(first)"
            )
        }
        for size in [2, 3, 5] { #expect(product(rows: rows, team: ComputeTeam(size: size)) == all, "team of \(size)") }
    }

    @Test func smallLayersUseThePackedKernels() throws {
        let library = MatrixProduct.openBLAS(try OpenBLAS())
        for (outputs, inputs, expected) in [(96, 16, false), (7, 4096, false), (256, 64, true), (8, 2048, true)] {
            let weight = Samples.of(outputs * inputs, seed: 5)
            let layer = PackedLinear(weight: weight, bias: nil, outputs: outputs, inputs: inputs, product: library)
            #expect(layer.usesOpenBLAS == expected, "\(outputs) x \(inputs)")
        }
    }

    @Test func aLibraryThatIsMissingOrAnotherIsNamed() {
        #expect {
            try OpenBLAS(library: "libno-such-blas.so.0")
        } throws: { error in
            guard case .notLoaded("libno-such-blas.so.0", let reason) = error as? OpenBLASError else { return false }
            return "\(error)" == "OpenBLAS cannot be loaded: \(reason); install libopenblas0-pthread"
                && reason.contains("libno-such-blas.so.0")
        }
        #expect(throws: OpenBLASError.symbolMissing(library: "libm.so.6", name: "cblas_sgemm")) {
            try OpenBLAS(library: "libm.so.6")
        }
    }
}
