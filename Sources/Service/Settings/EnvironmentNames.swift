// SPDX-License-Identifier: Apache-2.0

/// Variables of the environment that start like settings and are none.
package enum EnvironmentNames {
    /// Whether a value is what Kubernetes and Docker put into `UAE_PORT` for a service named `uae`.
    static func isServiceLink(_ value: String) -> Bool {
        ["tcp://", "udp://", "sctp://"].contains { value.hasPrefix($0) }
    }

    /// What the operator should know about the environment.
    ///
    /// - Parameter environment: the process environment.
    /// - Returns: a line for each setting that is ignored because it is a service link, and for each variable whose name
    ///   is nearly a setting's. Other variables may belong to someone else.
    package static func warnings(about environment: [String: String]) -> [String] {
        let known = Setting.all.map(\.variable) + ["UAE_CONFIG"]
        return environment.sorted { $0.key < $1.key }.compactMap { name, value in
            guard name.uppercased().hasPrefix("UAE_") else { return nil }
            if isServiceLink(value) {
                guard known.contains(name) else { return nil }
                return "\(name) is ignored: '\(value.prefix(80))' is a service link; set enableServiceLinks: false, or "
                    + "give the service another name"
            }
            if known.contains(name) || isServiceLinkName(name) { return nil }
            let similar = nearest(name, known)
            if similar.isEmpty { return nil }
            return "\(name) is ignored: it is not a setting; similar: \(similar.joined(separator: ", "))"
        }
    }

    /// `UAE_SERVICE_HOST`, `UAE_SERVICE_PORT_HTTP`, `UAE_PORT_80_TCP_ADDR` and the like.
    private static func isServiceLinkName(_ name: String) -> Bool {
        let words = name.split(separator: "_")
        let isService = zip(words, words.dropFirst()).contains { $0 == "SERVICE" && ($1 == "HOST" || $1 == "PORT") }
        let isPort = zip(words, words.dropFirst()).contains { $0 == "PORT" && Int($1) != nil }
        return isService || isPort
    }

    /// The closest of the known names, if they are close.
    private static func nearest(_ name: String, _ known: [String]) -> [String] {
        let given = Array(name.utf8.dropFirst(4)).map(upperCase)
        // A third of the name may differ; a setting is not longer than 40 characters.
        guard given.count <= 60 else { return [] }
        let limit = (given.count + 2) / 3
        let distances = known.map { (distance(given, Array($0.utf8.dropFirst(4))), $0) }
        guard let least = distances.map(\.0).min(), least <= limit else { return [] }
        return distances.filter { $0.0 == least }.map(\.1)
    }

    private static func upperCase(_ byte: UInt8) -> UInt8 {
        if byte == UInt8(ascii: "-") { return UInt8(ascii: "_") }
        return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) ? byte - 32 : byte
    }

    /// Insertions, deletions, replacements and swaps of neighbours from one name to the other (optimal string alignment).
    private static func distance(_ first: [UInt8], _ second: [UInt8]) -> Int {
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
}
