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
    /// Health probes are served beyond the limit of connections.
    var isProbe = false
    /// Whether a request needs an API key, if there are any.
    var needsKey = true
    /// Whether the admin port serves it.
    var isOnAdminPort = false

    /// Every path but those of problems.
    private static let table: [String: Route] = {
        var table = [
            // The page asks for a key, and sends it with its requests.
            "/": Route(action: .get(GetRoutes.page), needsKey: false),
            "/info": Route(action: .get(GetRoutes.info)),
            "/stats/normalization": Route(action: .get(GetRoutes.statistics)),
            "/labels": Route(action: .get(GetRoutes.labels)),
            "/health/live": probe(GetRoutes.live),
            "/healthz": probe(GetRoutes.live),
            "/health/ready": probe(GetRoutes.ready),
            "/readyz": probe(GetRoutes.ready),
            "/health/startup": probe(GetRoutes.startup),
            "/metrics": Route(action: .get(GetRoutes.metricsPage), isOnAdminPort: true),
            "/openapi.yaml": Route(action: .get(GetRoutes.openAPI)),
            "/openapi.json": Route(action: .get(GetRoutes.openAPIAsJSON)),
        ]
        for path in Documents.samples.keys { table[path] = Route(action: .get(GetRoutes.sample), needsKey: false) }
        for operation in Operations.all {
            table["/" + operation.name] = Route(action: .operation(operation))
            table["/v1/" + operation.name] = Route(action: .operation(operation))
        }
        return table
    }()

    private static func probe(
        _ handler: @escaping @Sendable (GetRoutes) -> (HTTPRequestHead) throws(Problem) -> Response
    ) -> Route {
        Route(action: .get(handler), isProbe: true, needsKey: false, isOnAdminPort: true)
    }

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
