// SPDX-License-Identifier: Apache-2.0

import FrequencyBands

extension BandError: ProblemConvertible {
    package var problem: Problem {
        switch self {
        case .countOutOfRange(let count, let limit): .keepOutOfRange(String(count), limit: limit)
        case .countNotSquare(let count, let nearest): .notSquare("keep", count, nearest: nearest)
        case .restNotSquare(let count, let rest, let allowed):
            .badParameter(
                "keep",
                String(count),
                allowed: "one of \(allowed.map(String.init).joined(separator: ", ")) with a drop mode and map2d_square "
                    + "(\(rest) coefficients would remain, which is not a square number)"
            )
        case .gridNotSquare(let height, let width):
            .conflict("cutoff_mode", "map2d_square needs a square grid, this model's is \(height) x \(width)")
        case .bandCountOutOfRange(let count, let limit):
            .badParameter("bands", String(count), allowed: "an integer from 1 to \(limit)")
        case .rangeOutOfBounds(let from, let to, let limit):
            .conflict(
                "keep_from",
                "keep_from=\(from) and keep_to=\(to) must name a range of 0 to \(limit) that is not empty"
            )
        }
    }
}
