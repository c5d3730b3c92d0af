// SPDX-License-Identifier: Apache-2.0

import TensorKernels
import Testing

/// A kernel set and what multiplies beside it.
struct Multiplier: Sendable, CustomTestStringConvertible {
    let kernels: KernelSet
    let product: MatrixProduct

    static let packed = KernelSet.available.map { Multiplier(kernels: $0, product: .packed) }
    static let openBLAS = KernelSet.available.map { kernels in
        do {
            return Multiplier(kernels: kernels, product: .openBLAS(try OpenBLAS()))
        } catch {
            fatalError("\(error)")
        }
    }
    static let all = packed + openBLAS

    var testDescription: String { "\(product.name), \(kernels)" }
}

@Suite struct PackedLinearTests {
    /// x · Wᵀ + b in double precision.
    static func naive(_ x: [Float], _ weight: [Float], _ bias: [Float]?, rows: Int, outputs: Int) -> [Double] {
        let inputs = weight.count / outputs
        var out: [Double] = []
        for row in 0..<rows {
            for column in 0..<outputs {
                var sum = bias.map { Double($0[column]) } ?? 0
                for k in 0..<inputs {
                    sum += Double(x[row * inputs + k]) * Double(weight[column * inputs + k])
                }
                out.append(sum)
            }
        }
        return out
    }

    struct Product {
        var x: [Float]
        var layer: PackedLinear
        var kernels: KernelSet

        /// The product of `rows` rows from `first` on, added to `start` where the epilogue adds.
        func callAsFunction(
            from first: Int = 0,
            rows: Int,
            epilogue: Epilogue = .none,
            start: Float = 0,
            team: ComputeTeam = .solo
        ) -> [Float] {
            var out = [Float](repeating: start, count: rows * layer.outputs)
            var scratch = [Float](
                repeating: .nan,
                count: PackedLinear.scratchCount(
                    rows: rows,
                    inputs: layer.inputs,
                    teamSize: team.size,
                    kernels: kernels
                )
            )
            layer(
                Array(x[(first * layer.inputs)...]),
                rows: rows,
                into: &out,
                epilogue: epilogue,
                scratch: &scratch,
                team: team
            )
            return out
        }
    }

    @Test(
        arguments: Multiplier.all,
        [
            (1, 1, 1), (2, 3, 5), (14, 32, 64), (15, 33, 31), (29, 48, 17), (27, 80, 24), (6, 16, 300), (131, 40, 7),
            (257, 96, 72), (261, 20, 130), (13, 1000, 65), (3, 112, 2048), (30, 64, 4096),
            (300, 577, 64), (97, 8, 2048), (16, 1300, 72),
        ]
    )
    func equalsTheNaiveProduct(multiplier: Multiplier, shape: (rows: Int, outputs: Int, inputs: Int)) {
        let kernels = multiplier.kernels
        let (rows, outputs, inputs) = shape
        let x = Samples.of(rows * inputs, seed: 1)
        let weight = Samples.of(outputs * inputs, seed: 2)
        let bias = Samples.of(outputs, seed: 3)
        for bias in [bias, nil] {
            let layer = PackedLinear(
                weight: weight,
                bias: bias,
                outputs: outputs,
                inputs: inputs,
                product: multiplier.product,
                kernels: kernels
            )
            let found = Product(x: x, layer: layer, kernels: kernels)(rows: rows)
            let expected = Self.naive(x, weight, bias, rows: rows, outputs: outputs)
            // Terms below 1: a sum of blocks of at most 1024 products, each off by some 6e-8 for each of them.
            let blocks = Double(max(1, inputs / 1024)).squareRoot()
            #expect(largestDistance(found, expected) < 6e-8 * Double(min(inputs, 1024)) * blocks + 1e-6)
        }
    }

    @Test(arguments: Multiplier.all)
    func rowsDoNotDependOnTheirNeighbours(multiplier: Multiplier) {
        let kernels = multiplier.kernels
        let rows = 263
        for (outputs, inputs) in [(70, 768), (16, 300), (33, 64)] {
            let x = Samples.of(rows * inputs, seed: 4)
            let weight = Samples.of(outputs * inputs, seed: 5)
            for storage in [WeightStorage.float32, .float16] {
                if storage == .float16, case .openBLAS = multiplier.product { continue }
                let layer = PackedLinear(
                    weight: weight,
                    bias: weight,
                    outputs: outputs,
                    inputs: inputs,
                    storage: storage,
                    product: multiplier.product,
                    kernels: kernels
                )
                let product = Product(x: x, layer: layer, kernels: kernels)
                for epilogue in [Epilogue.none, .gelu, .accumulate] {
                    let all = product(rows: rows, epilogue: epilogue, start: 0.5)
                    for size in 2...3 {
                        let team = ComputeTeam(size: size)
                        #expect(product(rows: rows, epilogue: epilogue, start: 0.5, team: team) == all)
                    }
                    for (first, count) in [(0, 1), (0, 262), (1, 262), (5, 14), (17, 33), (100, 131), (262, 1)] {
                        let some = product(from: first, rows: count, epilogue: epilogue, start: 0.5)
                        #expect(some == Array(all[first * outputs..<(first + count) * outputs]))
                    }
                }
            }
        }
    }

    @Test(arguments: Multiplier.all, Epilogue.allCases)
    func epiloguesEqualThePlainProductActivated(multiplier: Multiplier, epilogue: Epilogue) {
        let kernels = multiplier.kernels
        let (rows, outputs, inputs) = (37, 83, 240)
        let x = Samples.of(rows * inputs, seed: 6)
        let weight = Samples.of(outputs * inputs, seed: 7)
        let layer = PackedLinear(
            weight: weight,
            bias: weight,
            outputs: outputs,
            inputs: inputs,
            product: multiplier.product,
            kernels: kernels
        )
        let product = Product(x: x, layer: layer, kernels: kernels)
        let plain = product(rows: rows)
        let found = product(rows: rows, epilogue: epilogue, start: 0.75)
        if epilogue == .accumulate {
            #expect(found == plain.map { $0 + 0.75 })
        } else {
            var expected = plain
            activate(&expected, count: expected.count, epilogue, kernels: kernels)
            #expect(found == expected)
        }
    }

    @Test(arguments: KernelSet.available)
    func halfPrecisionWeightsEqualRoundedOnes(kernels: KernelSet) {
        let (rows, outputs, inputs) = (20, 50, 33)
        let x = Samples.of(rows * inputs, seed: 8)
        let edges: [Float] = [0, -0.0, 1e-8, 6e-8, -3e-5, 6.1e-5, 1.0005, 2049, 65504, 1e-7]
        let weight = edges + Samples.of(outputs * inputs - edges.count, seed: 9, scale: 0.1)
        let half = PackedLinear(
            weight: weight,
            bias: nil,
            outputs: outputs,
            inputs: inputs,
            storage: .float16,
            kernels: kernels
        )
        let rounded = weight.map { Float(Float16($0)) }
        let whole = PackedLinear(weight: rounded, bias: nil, outputs: outputs, inputs: inputs, kernels: kernels)
        #expect(
            Product(x: x, layer: half, kernels: kernels)(rows: rows)
                == Product(x: x, layer: whole, kernels: kernels)(rows: rows)
        )
        #expect(half.byteCount * 2 == whole.byteCount)
    }

    @Test(arguments: Multiplier.all)
    func stridesLeaveWhatLiesBetweenAlone(multiplier: Multiplier) {
        let kernels = multiplier.kernels
        let (rows, outputs, inputs) = (30, 45, 400)
        let x = Samples.of(rows * (inputs + 5), seed: 10)
        let weight = Samples.of(outputs * inputs, seed: 11)
        let layer = PackedLinear(
            weight: weight,
            bias: nil,
            outputs: outputs,
            inputs: inputs,
            product: multiplier.product,
            kernels: kernels
        )
        var out = [Float](repeating: 7, count: rows * (outputs + 3))
        let count = PackedLinear.scratchCount(rows: rows, inputs: inputs, teamSize: 1, kernels: kernels)
        var scratch = [Float](repeating: 0, count: count)
        layer(
            x,
            rows: rows,
            inputStride: inputs + 5,
            into: &out,
            outputStride: outputs + 3,
            scratch: &scratch,
            team: .solo
        )
        let dense = (0..<rows).flatMap { row in x[row * (inputs + 5)..<row * (inputs + 5) + inputs] }
        let expected = Product(x: dense, layer: layer, kernels: kernels)(rows: rows)
        for row in 0..<rows {
            let from = row * (outputs + 3)
            #expect(Array(out[from..<from + outputs]) == Array(expected[row * outputs..<(row + 1) * outputs]))
            #expect(out[from + outputs..<from + outputs + 3].allSatisfy { $0 == 7 })
        }
    }

    @Test(arguments: Multiplier.all)
    func rowsThatCollideInTheCacheGiveTheSameBits(multiplier: Multiplier) {
        let kernels = multiplier.kernels
        let (rows, outputs, inputs) = (40, 33, 1024)
        let stride = PackedLinear.preferredStride(inputs)
        #expect(stride > inputs)
        let x = Samples.of(rows * inputs, seed: 12)
        let weight = Samples.of(outputs * inputs, seed: 13)
        let layer = PackedLinear(
            weight: weight,
            bias: nil,
            outputs: outputs,
            inputs: inputs,
            product: multiplier.product,
            kernels: kernels
        )
        let expected = Product(x: x, layer: layer, kernels: kernels)(rows: rows)
        var apart = [Float](repeating: .nan, count: rows * stride)
        for row in 0..<rows {
            for k in 0..<inputs { apart[row * stride + k] = x[row * inputs + k] }
        }
        var out = [Float](repeating: .nan, count: rows * outputs)
        let count = PackedLinear.scratchCount(rows: rows, inputs: inputs, teamSize: 1, kernels: kernels)
        var scratch = [Float](repeating: .nan, count: count)
        layer(apart, rows: rows, inputStride: stride, into: &out, scratch: &scratch, team: .solo)
        #expect(out == expected)
    }
}
