// SPDX-License-Identifier: Apache-2.0

/// Resizing of learned position embeddings, each way that the reference code does it.
package enum PositionEmbedding {
    /// A square table `[rows * rows, width]` brought to another grid, columns first and rows after.
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
}
