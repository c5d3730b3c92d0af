// SPDX-License-Identifier: Apache-2.0

/// Bounds of the inference queue.
package struct QueueLimits: Sendable {
    /// Items that may wait; also their cost in encodes, because a decode costs several encodes.
    package var items: Int
    /// Cost of one batch, in encodes.
    ///
    /// A batch always takes at least as many items as the engine has cores.
    package var batchCost: Int
    /// How long a free worker waits for a batch to fill; zero: never.
    package var batchDelay: Duration
    /// How long a batch may run before the worker counts as hung.
    package var watchdog: Duration

    package init(items: Int = 256, batchCost: Int = 8, batchDelay: Duration = .zero, watchdog: Duration = .seconds(60))
    {
        self.items = items
        self.batchCost = batchCost
        self.batchDelay = batchDelay
        self.watchdog = watchdog
    }
}

/// Why the queue refused or dropped a request.
package enum QueueError: Error, Equatable {
    /// No room for all items of the request; nothing was enqueued.
    case full(queuedItems: Int, requestedItems: Int, capacity: Int, retryAfterSeconds: Int)
    /// More items than the queue's capacity.
    case requestTooLarge(items: Int, capacity: Int)
    /// A batch has been running for longer than the watchdog allows.
    case workerHung(busyFor: Duration)
    /// The deadline passed while the items waited or ran.
    case deadlineExceeded(stage: Stage, timeout: Duration)
    /// The client disconnected.
    case cancelled

    /// Where an item was when its request ended early.
    package enum Stage: String, Sendable, CaseIterable {
        /// Before the queue: its body was parsed or its image decoded.
        case image
        case queue
        case inference
    }
}

/// What the queue looks like at one moment.
package struct QueueSnapshot: Sendable {
    package var waitingItems = 0
    package var waitingCost = 0.0
    package var reservedItems = 0
    package var oldestWait: Duration = .zero
    /// How long the batch under way has been running; nil: the worker is idle.
    package var busyFor: Duration?
    package var isHung = false
    /// Callers that there is any bookkeeping of.
    package var rememberedCallers = 0
    /// Time that the worker has spent in batches since the start.
    package var busyTotal: Duration = .zero
    package var batches = 0
    package var lastBatchItems = 0
    package var cancelledInQueue = 0
    package var cancelledInInference = 0
    /// Measured work rate, in encodes a second; zero before the first batch.
    package var costPerSecond = 0.0

    package init() {}
}
