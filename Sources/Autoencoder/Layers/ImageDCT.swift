// SPDX-License-Identifier: Apache-2.0

import Foundation
import TensorKernels

/// The orthonormal two-dimensional DCT-II of a picture's three planes, and its inverse, as products on the engine's
/// kernels.
///
/// Of an axis of length n, sums of mirrored values give the even coefficients and differences the odd ones: two products
/// of a quarter the size each. FFTW's real transforms of this size use no vector instructions and take thrice as long.
///
/// Coefficients lie as the products leave them, [plane][column frequency][row frequency], on both axes the even ones
/// first: ``place(_:row:column:)``.
struct ImageDCT: Sendable {
    /// Colours on the other side of the transform: plane = matrix · colours + offset, or colours = matrix · planes.
    struct Colours: Sendable {
        /// `[3, 3]`.
        let matrix: [Float]
        let offset: [Float]

        static let unchanged = Colours(matrix: [1, 0, 0, 0, 1, 0, 0, 0, 1], offset: [0, 0, 0])
    }

    /// One axis of which the first `2 * half` coefficients count.
    private struct Axis: Sendable {
        let half: Int
        /// `[half, side / 2]`: the even and the odd coefficients of folded values.
        let analysis: (even: PackedLinear, odd: PackedLinear)
        /// `[side / 2, half]`: what the even and the odd coefficients add to the first half of the values.
        let synthesis: (even: PackedLinear, odd: PackedLinear)

        init(side: Int, half: Int) {
            self.half = half
            let middle = side / 2
            func packed(parity: Int, transposed: Bool) -> PackedLinear {
                var matrix = [Float](repeating: 0, count: half * middle)
                for index in 0..<half {
                    let frequency = 2 * index + parity
                    let scale = ((frequency == 0 ? 1 : 2) / Double(side)).squareRoot()
                    for place in 0..<middle {
                        // The angle's multiples of 2π go while it is still a whole number.
                        let angle = Double((2 * place + 1) * frequency % (4 * side)) * .pi / Double(2 * side)
                        matrix[transposed ? place * half + index : index * middle + place] = Float(scale * cos(angle))
                    }
                }
                return PackedLinear(
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

    /// Some column frequencies of a plane: what one member of the team works on at a time.
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

    /// - Parameters:
    ///   - side: of the planes; even.
    ///   - extents: for each plane, beyond how many coefficients of either axis it has none that count.
    init(side: Int, extents: [Int]) {
        precondition(side > 0 && side.isMultiple(of: 2), "planes are folded in the middle")
        self.side = side
        // Sixteen coefficients fill whole vectors of both halves, whatever the instruction set; a plane of which none
        // count is transformed as if there were some.
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

    /// Coefficients of a picture; those beyond the extents stay as they are.
    ///
    /// - `picture`: `[side, side, 3]`.
    /// - `coefficients`: `[3, side, side]`, see ``place(_:row:column:)``.
    func forward(
        _ picture: UnsafePointer<Float>,
        colours: Colours,
        into coefficients: UnsafeMutablePointer<Float>,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        withBuffers(workspace, team) { halfway, scratch in
            team.forEach(rowBlocks) { block, member in
                let rows = side * block / rowBlocks..<side * (block + 1) / rowBlocks
                var own = scratch[member]
                let planes = own.take(3 * rows.count * side)
                Self.split(picture + rows.lowerBound * side * 3, count: rows.count * side, colours, into: planes)
                let (sums, differences) = (own.take(rows.count * middle), own.take(rows.count * middle))
                for (plane, axis) in axes.enumerated() {
                    for row in 0..<rows.count {
                        let values = planes + (plane * rows.count + row) * side
                        for x in 0..<middle {
                            sums[row * middle + x] = values[x] + values[side - 1 - x]
                            differences[row * middle + x] = values[x] - values[side - 1 - x]
                        }
                    }
                    let target = halfway + plane * area + rows.lowerBound * side
                    product(axis.analysis, sums, differences, rows: rows.count, into: target, own)
                }
            }
            team.forEach(blocks.count) { index, member in
                let block = blocks[index]
                var own = scratch[member]
                let (sums, differences) = (own.take(block.count * middle), own.take(block.count * middle))
                let source = halfway + block.plane * area + block.first
                for y in 0..<middle {
                    let (upper, lower) = (source + y * side, source + (side - 1 - y) * side)
                    for column in 0..<block.count {
                        sums[column * middle + y] = upper[column] + lower[column]
                        differences[column * middle + y] = upper[column] - lower[column]
                    }
                }
                let target = coefficients + block.plane * area + block.first * side
                product(axes[block.plane].analysis, sums, differences, rows: block.count, into: target, own)
            }
        }
    }

    /// The picture of coefficients, of which those beyond the extents count as zero.
    ///
    /// - `coefficients`: `[3, side, side]`, see ``place(_:row:column:)``.
    /// - `picture`: `[side, side, 3]`.
    func inverse(
        _ coefficients: UnsafePointer<Float>,
        colours: Colours,
        into picture: UnsafeMutablePointer<Float>,
        workspace: Workspace,
        team: ComputeTeam
    ) {
        withBuffers(workspace, team) { halfway, scratch in
            team.forEach(blocks.count) { index, member in
                let block = blocks[index]
                var own = scratch[member]
                let (even, odd) = (own.take(block.count * middle), own.take(block.count * middle))
                let source = coefficients + block.plane * area + block.first * side
                products(axes[block.plane].synthesis, source, rows: block.count, into: even, odd, own)
                let target = halfway + block.plane * area + block.first
                for y in 0..<middle {
                    let (upper, lower) = (target + y * side, target + (side - 1 - y) * side)
                    for column in 0..<block.count {
                        let (a, b) = (even[column * middle + y], odd[column * middle + y])
                        upper[column] = a + b
                        lower[column] = a - b
                    }
                }
            }
            team.forEach(rowBlocks) { block, member in
                let rows = side * block / rowBlocks..<side * (block + 1) / rowBlocks
                var own = scratch[member]
                let planes = own.take(3 * rows.count * side)
                let (even, odd) = (own.take(rows.count * middle), own.take(rows.count * middle))
                for (plane, axis) in axes.enumerated() {
                    let source = UnsafePointer(halfway) + plane * area + rows.lowerBound * side
                    products(axis.synthesis, source, rows: rows.count, into: even, odd, own)
                    for row in 0..<rows.count {
                        let values = planes + (plane * rows.count + row) * side
                        for x in 0..<middle {
                            let (a, b) = (even[row * middle + x], odd[row * middle + x])
                            values[x] = a + b
                            values[side - 1 - x] = a - b
                        }
                    }
                }
                Self.join(planes, count: rows.count * side, colours, into: picture + rows.lowerBound * side * 3)
            }
        }
    }

    func workspaceCount(teamSize: Int) -> Int {
        Workspace.span(3 * area) + teamSize * Workspace.span(memberCount)
    }

    // MARK: Products

    /// Folded rows to coefficients: even ones from the sums, odd ones from the differences.
    private func product(
        _ maps: (even: PackedLinear, odd: PackedLinear),
        _ sums: UnsafePointer<Float>,
        _ differences: UnsafePointer<Float>,
        rows: Int,
        into target: UnsafeMutablePointer<Float>,
        _ own: Scratch
    ) {
        maps.even(sums, rows: rows, into: target, outputStride: side, scratch: own.rest, team: .solo)
        maps.odd(differences, rows: rows, into: target + middle, outputStride: side, scratch: own.rest, team: .solo)
    }

    /// Rows of coefficients to what their even and their odd ones add up to.
    private func products(
        _ maps: (even: PackedLinear, odd: PackedLinear),
        _ source: UnsafePointer<Float>,
        rows: Int,
        into even: UnsafeMutablePointer<Float>,
        _ odd: UnsafeMutablePointer<Float>,
        _ own: Scratch
    ) {
        maps.even(source, rows: rows, inputStride: side, into: even, scratch: own.rest, team: .solo)
        maps.odd(source + middle, rows: rows, inputStride: side, into: odd, scratch: own.rest, team: .solo)
    }

    // MARK: Colours

    /// Pixels `[count, 3]` to planes `[3, count]`.
    private static func split(
        _ pixels: UnsafePointer<Float>,
        count: Int,
        _ colours: Colours,
        into planes: UnsafeMutablePointer<Float>
    ) {
        for plane in 0..<3 {
            let (a, b, c) = (colours.matrix[3 * plane], colours.matrix[3 * plane + 1], colours.matrix[3 * plane + 2])
            let offset = colours.offset[plane]
            let target = planes + plane * count
            for index in 0..<count {
                let pixel = pixels + 3 * index
                target[index] = a * pixel[0] + b * pixel[1] + c * pixel[2] + offset
            }
        }
    }

    /// Planes `[3, count]` to pixels `[count, 3]`.
    private static func join(
        _ planes: UnsafePointer<Float>,
        count: Int,
        _ colours: Colours,
        into pixels: UnsafeMutablePointer<Float>
    ) {
        let (first, second, third) = (planes, planes + count, planes + 2 * count)
        for colour in 0..<3 {
            let (a, b, c) = (
                colours.matrix[3 * colour], colours.matrix[3 * colour + 1], colours.matrix[3 * colour + 2]
            )
            let offset = colours.offset[colour]
            for index in 0..<count {
                pixels[3 * index + colour] = a * first[index] + b * second[index] + c * third[index] + offset
            }
        }
    }

    // MARK: Memory

    /// One member's floats, taken from the front.
    private struct Scratch {
        private(set) var rest: UnsafeMutablePointer<Float>

        init(_ start: UnsafeMutablePointer<Float>) { rest = start }

        mutating func take(_ count: Int) -> UnsafeMutablePointer<Float> {
            defer { rest += Workspace.span(count) }
            return rest
        }
    }

    /// One member's scratch in each team.
    private struct Scratches {
        let base: UnsafeMutablePointer<Float>
        let stride: Int

        subscript(member: Int) -> Scratch { Scratch(base + member * stride) }
    }

    private var memberCount: Int {
        let rows = max(Self.blockHeight, Self.blockWidth)
        return Workspace.span(3 * rows * side) + 2 * Workspace.span(rows * middle)
            + PackedLinear.scratchCount(rows: rows, inputs: middle, teamSize: 1)
    }

    private func withBuffers(
        _ workspace: Workspace,
        _ team: ComputeTeam,
        _ body: (UnsafeMutablePointer<Float>, Scratches) -> Void
    ) {
        workspace.scope {
            let halfway = workspace.take(3 * area)
            let stride = Workspace.span(memberCount)
            body(halfway, Scratches(base: workspace.take(team.size * stride), stride: stride))
        }
    }
}
