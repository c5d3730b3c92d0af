// SPDX-License-Identifier: Apache-2.0

/// The row counts with which a layer may call OpenBLAS, so that a row's bits do not depend on its neighbours.
///
/// OpenBLAS does not promise that. It takes another path for a single row (`gemv`), for small matrices (up to 100³
/// multiply-adds) and for the rows that its register tile leaves over, and its AVX2 kernel of version 0.3.21 rounds
/// rows 6 to 11 of every 12 differently from rows 0 to 5. So rows are padded to whole blocks, the first of the
/// candidates below that gives equal rows equal bits wherever they stand, as tried on the layer's own weights.
struct RowBlocks: Equatable {
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

    /// Tries the candidates on a layer's weights, or the last block of their outputs.
    ///
    /// - Parameters:
    ///   - library: is tried.
    ///   - weight: `[outputs, inputs]`.
    ///   - outputs: columns of the product.
    ///   - inputs: its depth.
    ///   - narrowest: the least columns of a call; times `inputs`, at least ``PlainWeights/leastCount``.
    init(_ library: OpenBLAS, weight: UnsafePointer<Float>, outputs: Int, inputs: Int, narrowest: Int) {
        let candidates = Self.candidates(narrowest: narrowest, inputs: inputs)
        self =
            candidates.first { $0.keepRowsApart(library, weight, outputs: outputs, inputs: inputs) }
            ?? RowBlocks(unit: 1, limit: 1)
    }

    /// Whether the same row gives the same bits at every place of a call and in calls of different heights.
    private func keepRowsApart(
        _ library: OpenBLAS,
        _ weight: UnsafePointer<Float>,
        outputs: Int,
        inputs: Int
    ) -> Bool {
        guard unit > 1 else { return true }
        // Twice the unit and several of every register tile; not the limit, which would cost seconds for large models.
        let rows = min(limit, max(2 * unit, 96 / unit * unit))
        var x = [Float](repeating: 0, count: rows * inputs)
        var state: UInt32 = 1
        for k in 0..<inputs {
            state = state &* 1_664_525 &+ 1_013_904_223
            let value = Float(Int32(bitPattern: state)) / 2_147_483_648
            for row in 0..<rows { x[row * inputs + k] = value }
        }
        func product(_ rows: Int) -> [Float] {
            [Float](unsafeUninitializedCapacity: rows * outputs) { out, count in
                if let start = out.baseAddress {
                    library.product(
                        x,
                        inputStride: inputs,
                        weight,
                        rows: rows,
                        outputs: outputs,
                        inputs: inputs,
                        into: start,
                        outputStride: outputs
                    )
                }
                count = rows * outputs
            }
        }
        let least = product(unit)
        let most = rows > unit ? product(rows) : least
        for out in [least, most] {
            for place in out.indices where out[place].bitPattern != least[place % outputs].bitPattern { return false }
        }
        return true
    }
}
