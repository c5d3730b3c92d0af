// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The row counts with which a layer may call OpenBLAS, so that a row's bits do not depend on its neighbours.
///
/// OpenBLAS does not promise that. It takes another path for a single row (`gemv`), for small matrices (up to 100³
/// multiply-adds) and for the rows that its register tile leaves over, and its AVX2 kernel of version 0.3.21 rounds
/// rows 6 to 11 of every 12 differently from rows 0 to 5. So rows are padded to whole blocks, the first of the
/// candidates below that gives equal rows equal bits wherever they stand, as tried with calls of the layer's shapes.
struct RowBlocks: Hashable {
    /// Rows of a call are a multiple of this.
    let unit: Int
    /// The most rows of a call.
    let limit: Int

    /// The most rows that any blocks need for one call.
    static let greatestLimit = 288
    /// The largest unit.
    static let greatestUnit = 96
    /// Multiply-adds from which on no version takes its path for small matrices, with a margin of a half.
    private static let smallMatrixLimit = 1_500_000

    /// From the fastest to the one that cannot fail: each row by itself.
    private static func candidates(narrowest: Int, inputs: Int) -> [RowBlocks] {
        // Sixteen rows fill every register tile of OpenBLAS, which is 2 to 16 rows high.
        let sixteens = smallMatrixLimit / (narrowest * inputs) / 16 + 1
        let unit = min(16 * sixteens, greatestUnit)
        return [
            RowBlocks(unit: unit, limit: greatestLimit / unit * unit),
            RowBlocks(unit: 8, limit: 8),
            RowBlocks(unit: 4, limit: 4),
            RowBlocks(unit: 1, limit: 1),
        ]
    }

    private init(unit: Int, limit: Int) {
        self.unit = unit
        self.limit = limit
    }

    /// Tries the candidates for calls of these widths.
    ///
    /// - Parameters:
    ///   - library: is tried, once for each shape of call.
    ///   - widths: columns of the layer's calls; the least, times `inputs`, is at least ``PlainWeights/leastCount``.
    ///   - inputs: depth of the product.
    init(_ library: OpenBLAS, widths: Set<Int>, inputs: Int) {
        self =
            Self.candidates(narrowest: widths.min() ?? 1, inputs: inputs).first { blocks in
                widths.allSatisfy { width in
                    let trial = Trial(blocks: blocks, width: width, inputs: inputs)
                    if let known = library.rowTrials.withLock({ $0[trial] }) { return known }
                    let keeps = trial.keepsRowsApart(library)
                    library.rowTrials.withLock { $0[trial] = keeps }
                    return keeps
                }
            } ?? RowBlocks(unit: 1, limit: 1)
    }

    /// A shape of call to be tried.
    struct Trial: Hashable {
        let blocks: RowBlocks
        let width: Int
        let inputs: Int

        /// Heights that leave every remainder of the chunks, 2 to 48 rows, that OpenBLAS cuts rows into; and the limit.
        private var heights: [Int] {
            [1, 2, 3].map { $0 * blocks.unit }.filter { $0 < blocks.limit } + [blocks.limit]
        }

        /// Whether the same row gives the same bits at every place of a call and in calls of different heights.
        ///
        /// Random numbers stand for the weights: which code runs depends on the shape alone.
        func keepsRowsApart(_ library: OpenBLAS) -> Bool {
            guard blocks.unit > 1 else { return true }
            var state: UInt32 = 1
            func noise(_ count: Int) -> [Float] {
                (0..<count).map { _ in
                    state = state &* 1_664_525 &+ 1_013_904_223
                    return Float(Int32(bitPattern: state)) / 2_147_483_648
                }
            }
            let row = noise(inputs)
            let x = Array(repeatElement(row, count: blocks.limit).joined())
            let weight = noise(width * inputs)
            var expected: ArraySlice<Float>?
            for height in heights {
                var out = [Float](repeating: 0, count: height * width)
                library.product(
                    x,
                    inputStride: inputs,
                    weight,
                    rows: height,
                    outputs: width,
                    inputs: inputs,
                    into: &out,
                    outputStride: width
                )
                let first = expected ?? out[..<width]
                expected = first
                for place in out.indices where out[place].bitPattern != first[place % width].bitPattern { return false }
            }
            return true
        }
    }
}
