// SPDX-License-Identifier: Apache-2.0

import HTTPWire

/// One row of the table of routes: methods, admission and handler of a path.
struct Route: Sendable {
    enum Action: Sendable {
        /// Responds at once, without a body.
        case get(@Sendable (GetRoutes) -> (HTTPRequestHead) throws(Problem) -> Response)
        /// Reads the body and runs an operation.
        case operation(any Operation.Type)
    }

    let action: Action
    /// Health probes need no API key and are served beyond the limit of connections.
    var isProbe = false
    /// Query parameters of a `GET` route; operations have their own.
    var parameters: [String] = []

    /// Every path but those of problems.
    private static let table: [String: Route] = {
        var table = [
            "/": Route(action: .get(GetRoutes.playground)),
            "/info": Route(action: .get(GetRoutes.info)),
            "/stats/normalization": Route(action: .get(GetRoutes.statistics), parameters: ["format"]),
            "/labels": Route(action: .get(GetRoutes.labels), parameters: ["format"]),
            "/health/live": Route(action: .get(GetRoutes.live), isProbe: true),
            "/healthz": Route(action: .get(GetRoutes.live), isProbe: true),
            "/health/ready": Route(action: .get(GetRoutes.ready), isProbe: true),
            "/readyz": Route(action: .get(GetRoutes.ready), isProbe: true),
            "/health/startup": Route(action: .get(GetRoutes.startup), isProbe: true),
            "/metrics": Route(action: .get(GetRoutes.metricsPage)),
            "/openapi.yaml": Route(action: .get(GetRoutes.openAPI)),
            "/openapi.json": Route(action: .get(GetRoutes.openAPIAsJSON)),
        ]
        for operation in Operations.all {
            table["/" + operation.name] = Route(action: .operation(operation))
            table["/v1/" + operation.name] = Route(action: .operation(operation))
        }
        return table
    }()

    private static let problem = Route(action: .get(GetRoutes.problem))
}

extension Route {
    /// - Parameter path: decoded; only exact paths match, so that a proxy cannot read one differently.
    init?(path: String) {
        if let route = Self.table[path] {
            self = route
        } else if path.hasPrefix(GetRoutes.problemPrefix) {
            self = Self.problem
        } else {
            return nil
        }
    }

    var operation: (any Operation.Type)? {
        switch action {
        case .get: nil
        case .operation(let operation): operation
        }
    }

    var methods: [String] {
        switch action {
        case .get: ["GET", "HEAD", "OPTIONS"]
        case .operation: ["POST", "OPTIONS"]
        }
    }

    /// The metrics label.
    var label: String { operation?.name ?? ServiceMetrics.other }
}
