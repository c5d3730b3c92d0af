// SPDX-License-Identifier: Apache-2.0

import Foundation
import TensorKernels
import Testing

@Suite struct AttentionTests {
    /// Attention in double precision.
    static func naive(_ qkv: [Float], rows: Int, heads: Int, dimension: Int, scale: Double) -> [Double] {
        let width = heads * dimension
        var out = [Double](repeating: 0, count: rows * width)
        for head in 0..<heads {
            for i in 0..<rows {
                let query = qkv[(i * 3 * width + head * dimension)...].prefix(dimension)
                let scores = (0..<rows).map { j in
                    let key = qkv[(j * 3 * width + width + head * dimension)...].prefix(dimension)
                    return zip(query, key).reduce(0.0) { $0 + Double($1.0) * Double($1.1) } * scale
                }
                let top = scores.max() ?? 0
                let weights = scores.map { exp($0 - top) }
                let total = weights.reduce(0, +)
                for j in 0..<rows {
                    let value = qkv[(j * 3 * width + 2 * width + head * dimension)...].prefix(dimension)
                    for (d, v) in value.enumerated() {
                        out[i * width + head * dimension + d] += weights[j] / total * Double(v)
                    }
                }
            }
        }
        return out
    }

    static func run(
        _ qkv: [Float],
        rows: Int,
        heads: Int,
        dimension: Int,
        scale: Float,
        team: ComputeTeam,
        kernels: KernelSet
    ) -> [Float] {
        var out = [Float](repeating: .nan, count: rows * heads * dimension)
        let count = attentionScratchCount(
            rows: rows,
            headDimension: dimension,
            teamSize: team.size,
            kernels: kernels
        )
        var scratch = [Float](repeating: .nan, count: count)
        attention(
            qkv: qkv,
            rows: rows,
            headCount: heads,
            headDimension: dimension,
            scale: scale,
            into: &out,
            scratch: &scratch,
            team: team,
            kernels: kernels
        )
        return out
    }

    @Test(
        arguments: KernelSet.available,
        [
            (1, 1, 1), (5, 2, 3), (17, 3, 16), (257, 1, 72), (65, 2, 20), (50, 4, 32), (197, 2, 48), (261, 1, 64),
            (33, 1, 100), (1025, 1, 20),
        ]
    )
    func equalsTheNaiveAttention(kernels: KernelSet, shape: (rows: Int, heads: Int, dimension: Int)) {
        let (rows, heads, dimension) = shape
        let qkv = Samples.of(rows * 3 * heads * dimension, seed: 1, scale: 3)
        let scale = 1 / Float(dimension).squareRoot()
        let found = Self.run(
            qkv,
            rows: rows,
            heads: heads,
            dimension: dimension,
            scale: scale,
            team: .solo,
            kernels: kernels
        )
        let expected = Self.naive(qkv, rows: rows, heads: heads, dimension: dimension, scale: Double(scale))
        // Values below 3, probabilities that sum to 1, scores below 30 with an error of some 1e-6 of that.
        #expect(largestDistance(found, expected) < 2e-5)
    }

    @Test(arguments: KernelSet.available)
    func bitsDoNotDependOnTheTeam(kernels: KernelSet) {
        for (rows, heads) in [(261, 1), (70, 3), (40, 12)] {
            let qkv = Samples.of(rows * 3 * heads * 48, seed: 2, scale: 2)
            let alone = Self.run(
                qkv,
                rows: rows,
                heads: heads,
                dimension: 48,
                scale: 0.2,
                team: .solo,
                kernels: kernels
            )
            for size in 2...3 {
                let shared = Self.run(
                    qkv,
                    rows: rows,
                    heads: heads,
                    dimension: 48,
                    scale: 0.2,
                    team: ComputeTeam(size: size),
                    kernels: kernels
                )
                #expect(shared == alone)
            }
        }
    }

    @Test(arguments: KernelSet.available)
    func scoresFarApartStayFinite(kernels: KernelSet) {
        let qkv = Samples.of(30 * 3 * 16, seed: 3, scale: 100)
        let found = Self.run(qkv, rows: 30, heads: 1, dimension: 16, scale: 1, team: .solo, kernels: kernels)
        let expected = Self.naive(qkv, rows: 30, heads: 1, dimension: 16, scale: 1)
        #expect(largestDistance(found, expected) < 1)
        #expect(found.allSatisfy { $0.isFinite })
    }
}
