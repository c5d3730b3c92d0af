// SPDX-License-Identifier: Apache-2.0

import CKernels
import Synchronization

/// A linear layer's weights as OpenBLAS reads them: row-major, in single precision.
///
/// A unit of work is one call: a group of rows, padded to ``RowBlocks``, by a block of columns. Blocks of columns are
/// fixed by the layer and rows by the padding, so that the team's size changes no bit. The product goes to the member's
/// scratch; bias and epilogue are added on its way to the output.
final class PlainWeights: @unchecked Sendable {
    // Unchecked: the memory behind the pointer is written in `init` only.
    private let weight: UnsafeMutablePointer<Float>
    private let library: OpenBLAS
    private let rowBlocks: RowBlocks
    private let outputs: Int
    private let inputs: Int
    private let columnBlocks: Int

    /// Layers of fewer weights use the packed kernels: their row blocks would be mostly padding.
    static let leastCount = 1 << 14

    /// Columns of a block, about: few enough for the block's product to stay in the second-level cache.
    private static let blockColumns = 384
    /// No block is wider: half as much again and what rounding to 64 adds.
    private static let greatestBlock = 640

    var byteCount: Int { outputs * inputs * MemoryLayout<Float>.stride }

    /// Whether a layer uses OpenBLAS: each of its blocks of columns, 256 wide or more unless it is the only one, has
    /// ``leastCount`` weights.
    static func fits(outputs: Int, inputs: Int) -> Bool {
        outputs >= 8 && inputs >= 64 && outputs * inputs >= leastCount
    }

    /// Copies `weight` (`[outputs, inputs]`).
    init(_ library: OpenBLAS, weight: UnsafePointer<Float>, outputs: Int, inputs: Int) {
        let bytes = outputs * inputs * MemoryLayout<Float>.stride
        guard let memory = ck_allocate(bytes) else { fatalError("no memory for \(bytes) bytes of weights") }
        self.weight = memory.bindMemory(to: Float.self, capacity: outputs * inputs)
        self.weight.initialize(from: weight, count: outputs * inputs)
        self.library = library
        self.outputs = outputs
        self.inputs = inputs
        let count = max(1, (outputs + Self.blockColumns / 2 - 1) / Self.blockColumns)
        columnBlocks = count
        let bounds = (0...count).map { Self.bound($0, of: count, outputs: outputs) }
        rowBlocks = RowBlocks(library, widths: Set(zip(bounds, bounds.dropFirst()).map { $1 - $0 }), inputs: inputs)
    }

    deinit {
        ck_free(weight)
    }

    /// The first column of block `index`, at a multiple of 64.
    private static func bound(_ index: Int, of count: Int, outputs: Int) -> Int {
        index == count ? outputs : outputs * index / count / 64 * 64
    }

    /// Floats of scratch that any layer needs: the last group's rows, padded, and a call's product for each member.
    static func scratchCount(rows: Int, inputs: Int, teamSize: Int) -> Int {
        let padded = min(rows + RowBlocks.greatestUnit - 1, RowBlocks.greatestLimit)
        return padded * inputs + teamSize * padded * greatestBlock
    }

    /// Runs `job`; its `weight` is ignored.
    func multiply(_ job: ck_linear, team: ComputeTeam, kernels: KernelSet) {
        guard job.rows > 0 else { return }
        let (unit, limit) = (rowBlocks.unit, rowBlocks.limit)
        let blocks = (job.rows + unit - 1) / unit
        let groups = rowGroups(blocks, atLeast: (blocks * unit + limit - 1) / limit, teamSize: team.size)

        // The last group's rows end short of its blocks: it is copied to where zeros may follow.
        let lastRow = blocks * (groups - 1) / groups * unit
        let lastCount = blocks * unit - lastRow
        let isPadded = blocks * unit > job.rows
        var tiles = job.scratch
        if isPadded {
            copyRows(job, from: lastRow, paddedTo: lastCount)
            tiles += lastCount * inputs
        }
        let memberCount = min(blocks * unit, limit) * Self.greatestBlock

        team.forEach(groups * columnBlocks) { index, member in
            let (group, block) = (index / columnBlocks, index % columnBlocks)
            let firstRow = blocks * group / groups * unit
            let rows = blocks * (group + 1) / groups * unit - firstRow
            let column = Self.bound(block, of: columnBlocks, outputs: outputs)
            let columns = Self.bound(block + 1, of: columnBlocks, outputs: outputs) - column
            let isCopy = isPadded && group == groups - 1
            let tile = tiles + member * memberCount
            library.product(
                isCopy ? UnsafePointer(job.scratch) : job.x + firstRow * job.x_stride,
                inputStride: isCopy ? inputs : job.x_stride,
                weight + column * inputs,
                rows: rows,
                outputs: columns,
                inputs: inputs,
                into: tile,
                outputStride: columns
            )
            var finish = ck_finish(
                product: tile,
                bias: job.bias.map { $0 + column },
                out: job.out + firstRow * job.out_stride + column,
                rows: min(rows, job.rows - firstRow),
                columns: columns,
                out_stride: job.out_stride,
                epilogue: job.epilogue
            )
            kernels.table.pointee.finish(&finish)
        }
    }

    /// As few groups of rows as possible, since OpenBLAS packs the weights again for each, but enough for the team.
    private func rowGroups(_ blocks: Int, atLeast least: Int, teamSize: Int) -> Int {
        guard teamSize > 1 else { return least }
        var groups = least
        while groups < blocks, groups * columnBlocks < 4 * teamSize, groups * columnBlocks % teamSize != 0 {
            groups += 1
        }
        return groups
    }

    private func copyRows(_ job: ck_linear, from first: Int, paddedTo count: Int) {
        for row in first..<job.rows {
            (job.scratch + (row - first) * inputs).update(from: job.x + row * job.x_stride, count: inputs)
        }
        let copied = job.rows - first
        (job.scratch + copied * inputs).update(repeating: 0, count: (count - copied) * inputs)
    }
}
