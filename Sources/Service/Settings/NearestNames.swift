// SPDX-License-Identifier: Apache-2.0

/// The closest of the known names, if they are close: a third of the name may differ, and case and hyphens do not matter.
func nearestNames<Name: StringProtocol>(to name: some StringProtocol, among known: [Name]) -> [Name] {
    let given = name.utf8.map(folded)
    // No known name is longer than 40 characters.
    guard given.count <= 60 else { return [] }
    let limit = (given.count + 2) / 3
    let distances = known.map { (distance(given, $0.utf8.map(folded)), $0) }
    guard let least = distances.map(\.0).min(), least <= limit else { return [] }
    return distances.filter { $0.0 == least }.map(\.1)
}

private func folded(_ byte: UInt8) -> UInt8 {
    if byte == UInt8(ascii: "-") { return UInt8(ascii: "_") }
    return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) ? byte - 32 : byte
}

/// Insertions, deletions, replacements and swaps of neighbours from one name to the other (optimal string alignment).
private func distance(_ first: [UInt8], _ second: [UInt8]) -> Int {
    var rows = [Array(0...second.count)]
    for (row, byte) in first.enumerated() {
        var next = [row + 1]
        for (column, other) in second.enumerated() {
            var best = min(rows[row][column] + (byte == other ? 0 : 1), rows[row][column + 1] + 1, next[column] + 1)
            if row > 0, column > 0, byte == second[column - 1], first[row - 1] == other {
                best = min(best, rows[row - 1][column - 1] + 1)
            }
            next.append(best)
        }
        rows.append(next)
    }
    return rows[first.count][second.count]
}
