// SPDX-License-Identifier: Apache-2.0

import Foundation
import TensorKernels

/// The orthonormal two-dimensional DCT-II of an image's three planes, and its inverse, as products on the engine's
/// kernels.
///
/// On an axis of length n, sums of mirrored values give the even coefficients and differences the odd ones: two
/// products of a quarter the size each. FFTW's real transforms of this size use no vector instructions and take three
/// times as long.
///
/// Coefficients have the order of the products' output, [plane][column frequency][row frequency]; on both axes the even
/// ones come first. See ``place(_:row:column:)``.
struct ImageDCT: Sendable {
    /// One axis, of whose coefficients the first `2 * half` are computed.
    private struct Axis: Sendable {
        let half: Int
        /// `[half, side / 2]`: the even and the odd coefficients of folded values.
        let analysis: (even: Linear, odd: Linear)
        /// `[side / 2, half]`: what the even and the odd coefficients add to the first half of the values.
        let synthesis: (even: Linear, odd: Linear)

        init(side: Int, half: Int) {
            self.half = half
            let middle = side / 2
            func packed(parity: Int, transposed: Bool) -> Linear {
                var matrix = [Float](repeating: 0, count: half * middle)
                for index in 0..<half {
                    let frequency = 2 * index + parity
                    let scale = ((frequency == 0 ? 1 : 2) / Double(side)).squareRoot()
                    for place in 0..<middle {
                        // Multiples of 2π are dropped while the angle is still a whole number.
                        let angle = Double((2 * place + 1) * frequency % (4 * side)) * .pi / Double(2 * side)
                        matrix[transposed ? place * half + index : index * middle + place] = Float(scale * cos(angle))
                    }
                }
                return Linear(
                    weight: matrix,
                    bias: nil,
                    outputs: transposed ? middle : half,
                    inputs: transposed ? half : middle
                )
            }
            analysis = (packed(parity: 0, transposed: false), packed(parity: 1, transposed: false))
            synthesis = (packed(parity: 0, transposed: true), packed(parity: 1, transposed: true))
        }
    }

    /// Some column frequencies of a plane: one unit of work.
    private struct Block {
        let plane: Int
        let first: Int
        let count: Int
    }

    let side: Int
    private let axes: [Axis]
    private let blocks: [Block]

    private static let blockWidth = 16
    private static let blockHeight = 28

    private var middle: Int { side / 2 }
    private var area: Int { side * side }
    private var rowBlocks: Int { (side + Self.blockHeight - 1) / Self.blockHeight }
    /// Rows of the largest row block.
    private var rowsAtATime: Int { (side + rowBlocks - 1) / rowBlocks }

    /// - Parameters:
    ///   - side: of the planes; even.
    ///   - extents: for each plane, how many coefficients of either axis are computed; the others count as zero.
    init(side: Int, extents: [Int]) {
        precondition(side > 0 && side.isMultiple(of: 2), "planes are folded in the middle")
        self.side = side
        // Sixteen coefficients fill whole vectors of both halves, whatever the instruction set; a plane without any is
        // transformed as if it had some.
        let halves = extents.map { min((max($0, 1) + 15) / 16 * 8, side / 2) }
        var made: [Int: Axis] = [:]
        for half in halves where made[half] == nil { made[half] = Axis(side: side, half: half) }
        axes = halves.compactMap { made[$0] }
        blocks = halves.enumerated().flatMap { plane, half in
            [0, side / 2].flatMap { start in
                stride(from: 0, to: half, by: Self.blockWidth).map {
                    Block(plane: plane, first: start + $0, count: min(Self.blockWidth, half - $0))
                }
            }
        }
    }

    /// Where a coefficient lies in `[3, side, side]`.
    func place(_ plane: Int, row: Int, column: Int) -> Int {
        func position(_ frequency: Int) -> Int { frequency / 2 + (frequency.isMultiple(of: 2) ? 0 : middle) }
        return (plane * side + position(column)) * side + position(row)
    }

    /// Coefficients of an image; those beyond the extents stay as they are.
    ///
    /// - `image`: `[side, side, 3]`.
    /// - `coefficients`: `[3, side, side]`, see ``place(_:row:column:)``.
    func forward(
        _ image: UnsafePointer<Float>,
        colours: Colours,
        into coefficients: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        countOperations(in: context)
        context.scope {
            let halfway = context.take(3 * area)
            context.forEach(rowBlocks, buffers: { rowBuffers(&$0) }) { block, own in
                let rows = rows(of: block)
                let first = image + rows.lowerBound * side * 3
                colours.split(first, count: rows.count * side, into: own.planes)
                for (plane, axis) in axes.enumerated() {
                    for row in 0..<rows.count {
                        let values = own.planes + (plane * rows.count + row) * side
                        for x in 0..<middle {
                            own.even[row * middle + x] = values[x] + values[side - 1 - x]
                            own.odd[row * middle + x] = values[x] - values[side - 1 - x]
                        }
                    }
                    let target = halfway + plane * area + rows.lowerBound * side
                    analyse(axis, own.even, own.odd, rows: rows.count, into: target, scratch: own.scratch)
                }
            }
            context.forEach(blocks.count, buffers: { columnBuffers(&$0) }) { index, own in
                let block = blocks[index]
                let source = halfway + block.plane * area + block.first
                for y in 0..<middle {
                    let (upper, lower) = (source + y * side, source + (side - 1 - y) * side)
                    for column in 0..<block.count {
                        own.even[column * middle + y] = upper[column] + lower[column]
                        own.odd[column * middle + y] = upper[column] - lower[column]
                    }
                }
                let target = coefficients + block.plane * area + block.first * side
                analyse(axes[block.plane], own.even, own.odd, rows: block.count, into: target, scratch: own.scratch)
            }
        }
    }

    /// The image of coefficients, of which those beyond the extents count as zero.
    ///
    /// - `coefficients`: `[3, side, side]`, see ``place(_:row:column:)``.
    /// - `image`: `[side, side, 3]`.
    func inverse(
        _ coefficients: UnsafePointer<Float>,
        colours: Colours,
        into image: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        countOperations(in: context)
        context.scope {
            let halfway = context.take(3 * area)
            context.forEach(blocks.count, buffers: { columnBuffers(&$0) }) { index, own in
                let block = blocks[index]
                let source = coefficients + block.plane * area + block.first * side
                synthesise(axes[block.plane], source, rows: block.count, own.even, own.odd, scratch: own.scratch)
                let target = halfway + block.plane * area + block.first
                for y in 0..<middle {
                    let (upper, lower) = (target + y * side, target + (side - 1 - y) * side)
                    for column in 0..<block.count {
                        let (a, b) = (own.even[column * middle + y], own.odd[column * middle + y])
                        upper[column] = a + b
                        lower[column] = a - b
                    }
                }
            }
            context.forEach(rowBlocks, buffers: { rowBuffers(&$0) }) { block, own in
                let rows = rows(of: block)
                for (plane, axis) in axes.enumerated() {
                    let source = UnsafePointer(halfway) + plane * area + rows.lowerBound * side
                    synthesise(axis, source, rows: rows.count, own.even, own.odd, scratch: own.scratch)
                    for row in 0..<rows.count {
                        let values = own.planes + (plane * rows.count + row) * side
                        for x in 0..<middle {
                            let (a, b) = (own.even[row * middle + x], own.odd[row * middle + x])
                            values[x] = a + b
                            values[side - 1 - x] = a - b
                        }
                    }
                }
                let first = image + rows.lowerBound * side * 3
                colours.join(own.planes, count: rows.count * side, into: first)
            }
        }
    }

    private func rows(of block: Int) -> Range<Int> {
        side * block / rowBlocks..<side * (block + 1) / rowBlocks
    }

    // MARK: Products

    /// What one member needs for a block of rows, in which the even and odd parts of one plane are made at a time.
    private struct RowBuffers {
        let planes: UnsafeMutablePointer<Float>
        let even: UnsafeMutablePointer<Float>
        let odd: UnsafeMutablePointer<Float>
        let scratch: UnsafeMutablePointer<Float>
    }

    private func rowBuffers(_ own: inout Scratch) -> RowBuffers {
        RowBuffers(
            planes: own.take(3 * rowsAtATime * side),
            even: own.take(rowsAtATime * middle),
            odd: own.take(rowsAtATime * middle),
            scratch: scratch(rows: rowsAtATime, from: &own)
        )
    }

    private func columnBuffers(_ own: inout Scratch) -> RowBuffers {
        let (even, odd) = (own.take(Self.blockWidth * middle), own.take(Self.blockWidth * middle))
        return RowBuffers(
            planes: even,
            even: even,
            odd: odd,
            scratch: scratch(rows: Self.blockWidth, from: &own)
        )
    }

    /// Enough for any of the products: those of the analysis have the most inputs.
    private func scratch(rows: Int, from own: inout Scratch) -> UnsafeMutablePointer<Float> {
        axes[0].analysis.even.scratch(rows: rows, from: &own)
    }

    private func countOperations(in context: ComputeContext) {
        for axis in axes {
            // All rows, then the columns that are computed; both halves of each.
            let rows = side + 2 * axis.half
            context.count(operations: 2 * axis.analysis.even.operations(rows: rows))
        }
    }

    /// Folded rows to coefficients: even ones from the sums, odd ones from the differences.
    private func analyse(
        _ axis: Axis,
        _ sums: UnsafePointer<Float>,
        _ differences: UnsafePointer<Float>,
        rows: Int,
        into target: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let maps = axis.analysis
        maps.even.compute(sums, rows: rows, into: target, outputStride: side, scratch: scratch)
        maps.odd.compute(differences, rows: rows, into: target + middle, outputStride: side, scratch: scratch)
    }

    /// Rows of coefficients to what their even and their odd ones add up to.
    private func synthesise(
        _ axis: Axis,
        _ source: UnsafePointer<Float>,
        rows: Int,
        _ even: UnsafeMutablePointer<Float>,
        _ odd: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let maps = axis.synthesis
        maps.even.compute(source, rows: rows, inputStride: side, into: even, scratch: scratch)
        maps.odd.compute(source + middle, rows: rows, inputStride: side, into: odd, scratch: scratch)
    }
}
