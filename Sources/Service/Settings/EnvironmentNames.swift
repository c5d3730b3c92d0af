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
            let similar = nearestNames(to: name.dropFirst(4), among: known.map { $0.dropFirst(4) }).map { "UAE_" + $0 }
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
}
