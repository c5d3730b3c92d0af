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
    case full(Shortage, retryAfterSeconds: Int)
    /// More items than the queue's capacity.
    case requestTooLarge(items: Int, capacity: Int)
    /// A batch has been running for longer than the watchdog allows.
    case workerHung(busyFor: Duration)
    /// The deadline passed while the items waited or ran.
    case deadlineExceeded(stage: Stage, timeout: Duration)
    /// The client disconnected.
    case cancelled

    /// Which limit leaves no room for a request, with its numbers at that moment.
    package struct Shortage: Sendable, Equatable {
        package enum Limit: String, Sendable, CaseIterable {
            /// The places of the queue.
            case places
            /// The work of the queue, in encodes.
            case cost
            /// The places of one caller, who leaves as many free as it holds.
            case callerPlaces = "caller-places"
            /// The work of one caller, likewise.
            case callerCost = "caller-cost"
        }

        package var limit: Limit
        /// Items that wait or have places reserved.
        package var queuedItems: Int
        package var requestedItems: Int
        /// Places, and also their cost in encodes.
        package var capacity: Int
        package var queuedCost: Double
        package var requestedCost: Double
        /// Those of the same caller among the queued.
        package var callerItems = 0
        package var callerCost = 0.0

        package init(
            limit: Limit,
            queuedItems: Int,
            requestedItems: Int,
            capacity: Int,
            queuedCost: Double,
            requestedCost: Double,
            callerItems: Int = 0,
            callerCost: Double = 0
        ) {
            self.limit = limit
            self.queuedItems = queuedItems
            self.requestedItems = requestedItems
            self.capacity = capacity
            self.queuedCost = queuedCost
            self.requestedCost = requestedCost
            self.callerItems = callerItems
            self.callerCost = callerCost
        }
    }

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
