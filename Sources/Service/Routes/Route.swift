// SPDX-License-Identifier: Apache-2.0

/// Everything that a path can mean.
enum Route: Hashable, Sendable {
    case operation(Operation)
    case info
    case statistics
    case labels
    case live
    case ready
    case startup
    case metrics
    case openAPI(isYAML: Bool)
    case problem(String)
    case playground

    private static let fixed: [String: Route] = [
        "/info": .info, "/stats/normalization": .statistics, "/labels": .labels,
        "/health/live": .live, "/healthz": .live, "/health/ready": .ready, "/readyz": .ready,
        "/health/startup": .startup, "/metrics": .metrics,
        "/openapi.yaml": .openAPI(isYAML: true), "/openapi.json": .openAPI(isYAML: false), "/": .playground,
    ]

    /// - Parameter path: decoded; only exact paths match, so that no two readers can differ.
    init?(path: String) {
        if let route = Self.fixed[path] {
            self = route
        } else if path.hasPrefix("/problems/") {
            self = .problem(String(path.dropFirst(10)))
        } else {
            let name = path.hasPrefix("/v1/") ? path.dropFirst(4) : path.dropFirst(1)
            guard path.first == "/", let operation = Operation(rawValue: String(name)) else { return nil }
            self = .operation(operation)
        }
    }

    var allowedMethods: [String] {
        switch self {
        case .operation: ["POST", "OPTIONS"]
        case .info, .statistics, .labels, .live, .ready, .startup, .metrics, .openAPI, .problem, .playground:
            ["GET", "HEAD", "OPTIONS"]
        }
    }

    var isProbe: Bool {
        switch self {
        case .live, .ready, .startup: true
        case .operation, .info, .statistics, .labels, .metrics, .openAPI, .problem, .playground: false
        }
    }

    /// The metrics label.
    var label: String {
        if case .operation(let operation) = self { operation.rawValue } else { ServiceMetrics.other }
    }

    /// Query parameters beside those of the operations.
    var parameters: [String] {
        switch self {
        case .statistics, .labels: ["format"]
        case .operation, .info, .live, .ready, .startup, .metrics, .openAPI, .problem, .playground: []
        }
    }
}
