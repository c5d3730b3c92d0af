// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Learned position embeddings resized as the authors' code does it, and the fixed embedding.
package enum PositionEmbedding {
    /// A square table `[rows * rows, width]` resized to another grid, columns first.
    ///
    /// - `table`: one row of `width` floats for each place of the stored grid, row-major.
    /// - `axis`: the resampling of one axis; both axes take the same.
    /// - Returns: `[outputCount * outputCount, width]`.
    package static func resized(_ table: [Float], width: Int, axis: AxisResampling) -> [Float] {
        let (from, to) = (axis.inputCount, axis.outputCount)
        precondition(table.count == from * from * width)
        var columns = [Float](repeating: 0, count: from * to * width)
        var result = [Float](repeating: 0, count: to * to * width)
        table.withUnsafeBufferPointer { table in
            columns.withUnsafeMutableBufferPointer { columns in
                result.withUnsafeMutableBufferPointer { result in
                    guard let source = table.baseAddress, let middle = columns.baseAddress,
                        let target = result.baseAddress
                    else { return }
                    for row in 0..<from {
                        axis.resampleRows(source + row * from * width, width: width, into: middle + row * to * width)
                    }
                    axis.resampleRows(middle, width: to * width, into: target)
                }
            }
        }
        return result
    }

    /// The fixed two-dimensional embedding: sin x, cos x, sin y, cos y, a quarter of the width each; the class token's
    /// row in front is zero.
    ///
    /// - Parameters:
    ///   - rows: one more than the places of a square grid.
    ///   - width: divisible by four, else the remainder stays zero.
    ///   - step: distance between neighbouring places.
    /// - Returns: `[rows, width]`.
    package static func sinCos(rows: Int, width: Int, step: Double = 1) -> [Float] {
        let side = Int(Double(rows - 1).squareRoot().rounded())
        let quarter = width / 4
        var table = [Float](repeating: 0, count: rows * width)
        for place in 0..<side * side {
            for k in 0..<quarter {
                let frequency = pow(10000, -Double(k) / Double(quarter))
                let (x, y) = (Double(place % side) * step * frequency, Double(place / side) * step * frequency)
                for (part, value) in [sin(x), cos(x), sin(y), cos(y)].enumerated() {
                    table[(place + 1) * width + part * quarter + k] = Float(value)
                }
            }
        }
        return table
    }
}
