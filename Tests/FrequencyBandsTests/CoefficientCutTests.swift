// SPDX-License-Identifier: Apache-2.0

import FrequencyBands
import Testing

@Suite struct CoefficientCutTests {
    static let grids = [(4, 4), (3, 5), (16, 16)]

    private func range(_ from: Int, _ to: Int, _ order: FrequencyOrder, _ grid: (Int, Int)) throws -> [Bool] {
        try CoefficientCut.range(from: from, to: to, order: order).keeps(height: grid.0, width: grid.1)
    }

    @Test(arguments: grids, FrequencyOrder.allCases)
    func aRangeHoldsThePlacesOfItsOrder(grid: (Int, Int), order: FrequencyOrder) throws {
        let indices = CoefficientOrder(order, height: grid.0, width: grid.1).indices
        for (from, to) in [(0, 1), (2, 7), (indices.count - 1, indices.count), (0, indices.count)] {
            let keeps = try range(from, to, order, grid)
            #expect(keeps.indices.filter { keeps[$0] } == indices[from..<to].sorted())
        }
    }

    @Test(arguments: grids, FrequencyOrder.allCases)
    func aRangeAtAnEdgeIsASplit(grid: (Int, Int), order: FrequencyOrder) throws {
        let total = grid.0 * grid.1
        for count in 1..<total {
            func split(_ mode: BandMode, _ count: Int) throws -> [Bool] {
                try CoefficientCut.split(BandSplit(mode: mode, order: order, count: count))
                    .keeps(height: grid.0, width: grid.1)
            }
            let (lowest, highest) = try (range(0, count, order, grid), range(count, total, order, grid))
            #expect(try lowest == split(.low, count))
            #expect(try lowest == split(.dropHigh, total - count))
            #expect(try highest == split(.high, total - count))
            #expect(try highest == split(.dropLow, count))
        }
    }

    @Test(arguments: [(0, 0), (5, 5), (7, 3), (-1, 4), (0, 17), (16, 17), (Int.min, Int.max), (Int.max, Int.min)])
    func aRangeThatCannotBeIsRefused(from: Int, to: Int) {
        #expect(throws: BandError.rangeOutOfBounds(from: from, to: to, limit: 16)) {
            try range(from, to, .zigzag, (4, 4))
        }
    }
}
