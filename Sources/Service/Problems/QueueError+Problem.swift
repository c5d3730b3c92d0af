// SPDX-License-Identifier: Apache-2.0

import InferenceQueue

extension QueueError: ProblemConvertible {
    package var problem: Problem {
        switch self {
        case .full(let shortage, let seconds): shortage.problem.retrying(afterSeconds: seconds)
        case .requestTooLarge(let items, let capacity):
            Problem(
                .tooManyItems,
                "The request makes \(items) items; the queue has \(capacity) places.",
                [("limit", .integer(capacity)), ("actual", .integer(items))]
            )
        case .workerHung(let busy): .workerUnhealthy(busyFor: busy)
        case .deadlineExceeded(let stage, let timeout):
            Problem(
                .deadlineExceeded,
                "The request took longer than its time limit of \(Int(timeout / .milliseconds(1))) ms.",
                [("where", .string(stage.rawValue)), ("timeout_ms", .integer(Int(timeout / .milliseconds(1))))]
            )
        case .cancelled: Problem(.internalError, "The client closed the connection.")
        }
    }
}

extension QueueError.Shortage {
    fileprivate var problem: Problem {
        var members: [(String, JSONValue)] = [
            ("refused_by", .string(limit.rawValue)),
            ("queue_items", .integer(queuedItems)),
            ("requested", .integer(requestedItems)),
            ("capacity", .integer(capacity)),
        ]
        switch limit {
        case .places: break
        case .cost: members += [("queue_cost", rounded(queuedCost)), ("requested_cost", rounded(requestedCost))]
        case .callerPlaces: members.append(("caller_items", .integer(callerItems)))
        case .callerCost:
            members += [
                ("queue_cost", rounded(queuedCost)), ("requested_cost", rounded(requestedCost)),
                ("caller_cost", rounded(callerCost)),
            ]
        }
        return Problem(.queueFull, detail, members)
    }

    private var detail: String {
        switch limit {
        case .places:
            "\(queuedItems) of \(capacity) places of the queue are taken; this request needs \(requestedItems)."
        case .cost:
            "The queue holds work worth \(text(queuedCost)) encodes of at most \(capacity); this request adds "
                + "\(text(requestedCost))."
        case .callerPlaces:
            "Your requests hold \(callerItems) of the \(queuedItems) places taken of \(capacity); with "
                + "\(requestedItems) more they would hold more than they leave free."
        case .callerCost:
            "Your requests hold work worth \(text(callerCost)) of the \(text(queuedCost)) encodes queued of "
                + "\(capacity); with \(text(requestedCost)) more they would hold more than they leave free."
        }
    }

    private func rounded(_ cost: Double) -> JSONValue { .number((cost * 100).rounded() / 100) }

    private func text(_ cost: Double) -> String {
        let rounded = (cost * 100).rounded() / 100
        return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
    }
}

extension Problem {
    static let starting = Problem(.starting, "The model is loading; try again later.", [("phase", "starting")])
        .retrying(afterSeconds: 1)

    /// The readiness of a service whose model is no longer intact.
    static let modelDamaged = Problem(
        .workerUnhealthy,
        "The model computed values that are NaN or infinite; check its weights and restart the service.",
        [("phase", "worker-unhealthy")]
    )
    .retrying(afterSeconds: 30)

    static func workerUnhealthy(busyFor: Duration) -> Problem {
        Problem(
            .workerUnhealthy,
            "The inference worker has been in one batch for \(busyFor.milliseconds) ms.",
            [("phase", "worker-unhealthy")]
        ).retrying(afterSeconds: 30)
    }

    static let draining = Problem(
        .draining,
        "The service is shutting down; try another instance.",
        [("phase", "draining")]
    )
    .retrying(afterSeconds: 5)

    static func featureUnavailable(_ detail: String, missing: String) -> Problem {
        Problem(.featureUnavailable, detail, [("missing", .string(missing))])
    }
}
