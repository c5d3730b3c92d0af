// SPDX-License-Identifier: Apache-2.0

import InferenceQueue

extension QueueError: ProblemConvertible {
    package var problem: Problem {
        switch self {
        case .full(let queued, let requested, let capacity, let seconds):
            Problem(
                .queueFull,
                "\(queued) of \(capacity) places of the queue are taken; this request needs \(requested).",
                [("queue_items", .integer(queued)), ("capacity", .integer(capacity))]
            ).retrying(afterSeconds: seconds)
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
