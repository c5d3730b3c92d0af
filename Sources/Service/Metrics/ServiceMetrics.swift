// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Counts what the service does.
///
/// Label values come from fixed sets only, so that no caller can add series.
final class ServiceMetrics: Sendable {
    struct Counters {
        var requests: [RequestKey: Int] = [:]
        var durations: [String: Histogram] = [:]
        var stages: [StageKey: Histogram] = [:]
        var items: [ItemKey: Int] = [:]
        var rejected: [String: Int] = [:]
        var inflightRequests = 0
        var loadSeconds = 0.0
        var warmupSeconds = 0.0
    }

    struct RequestKey: Hashable {
        let operation: String
        let code: Int
    }

    struct StageKey: Hashable {
        let operation: String
        let stage: String
    }

    struct ItemKey: Hashable {
        let operation: String
        let outcome: String
    }

    private let counters = Mutex(Counters())

    /// The label of everything that is not an operation.
    static let other = "other"

    func requestStarted() {
        counters.withLock { $0.inflightRequests += 1 }
    }

    func requestEnded() {
        counters.withLock { $0.inflightRequests -= 1 }
    }

    func request(operation: String, code: Int, seconds: Double) {
        counters.withLock { counters in
            counters.requests[RequestKey(operation: operation, code: code), default: 0] += 1
            counters.durations[operation, default: Histogram()].observe(seconds)
        }
    }

    func stages(_ timings: StageTimings, operation: String) {
        counters.withLock { counters in
            for stage in timings.stages {
                let key = StageKey(operation: operation, stage: stage.name)
                counters.stages[key, default: Histogram()].observe(stage.duration.seconds)
            }
        }
    }

    func items(_ count: Int, operation: String, outcome: String) {
        counters.withLock { $0.items[ItemKey(operation: operation, outcome: outcome), default: 0] += count }
    }

    func rejected(_ reason: ProblemKind) {
        counters.withLock { $0.rejected[reason.rawValue, default: 0] += 1 }
    }

    func started(loadSeconds: Double, warmupSeconds: Double) {
        counters.withLock { counters in
            counters.loadSeconds = loadSeconds
            counters.warmupSeconds = warmupSeconds
        }
    }

    func snapshot() -> Counters {
        counters.withLock { $0 }
    }
}
