// SPDX-License-Identifier: Apache-2.0

/// Parameters of the request as a whole: `on_error`, `timeout_ms`.
struct ControlParameters: Sendable {
    static let names = ["on_error", "timeout_ms"]

    enum ErrorPolicy: String, CaseIterable {
        case fail
        case skip
    }

    let onError: ErrorPolicy
    let timeout: Duration

    /// The server's own time limit is the most that `timeout_ms` can be, and the default.
    init(_ given: ParameterSet, timeoutLimit: Duration) throws(Problem) {
        let limit = max(1, Int(timeoutLimit / .milliseconds(1)))
        timeout = try given.integer("timeout_ms", in: 1...limit).map { .milliseconds($0) } ?? timeoutLimit
        onError = try given.choice("on_error", ErrorPolicy.self) ?? .fail
    }
}
