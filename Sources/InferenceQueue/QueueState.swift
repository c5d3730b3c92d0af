// SPDX-License-Identifier: Apache-2.0

/// The queue's bookkeeping as a value: every change is one mutating method, without waiting and without callbacks.
///
/// The order of service is first come, first served over the requests of a caller, and fair between callers; the items
/// of one request stay in order.
struct QueueState<Item: Sendable, Output: Sendable>: ~Copyable {
    typealias Instant = ContinuousClock.Instant
    typealias Continuation = CheckedContinuation<[(output: Output, wait: Duration, run: Duration)], any Error>

    struct Entry {
        let request: UInt64
        let index: Int
        let item: Item
        let cost: Double
        let enqueued: Instant
    }

    struct Request {
        let caller: Caller
        let continuation: Continuation
        let deadline: Instant
        let timeout: Duration
        var outputs: [(output: Output, wait: Duration, run: Duration)?]
        var remaining: Int
        var running: Int
    }

    let limits: QueueLimits
    var waiting = FairLanes<Caller, ArrivalLine<Entry>>(order: .start)
    /// The places that each caller holds, reserved ones and those of items that wait; callers without places are absent.
    private var held: [Caller: Places] = [:]
    var requests: [UInt64: Request] = [:]
    var nextRequest: UInt64 = 0
    var reservedItems = 0
    var reservedCost = 0.0
    var waitingCost = 0.0
    var workerIsBusy = false
    var batchStarted: Instant?
    var busyTotal: Duration = .zero
    var costPerSecond = 0.0
    var batches = 0
    var lastBatchItems = 0
    var cancelledInQueue = 0
    var cancelledInInference = 0

    init(limits: QueueLimits) {
        self.limits = limits
    }

    var waitingItems: Int { waiting.count }

    var isEmpty: Bool { requests.isEmpty && reservedItems == 0 }

    /// Whether the running batch has taken longer than the watchdog allows.
    func hungFor(now: Instant) -> Duration? {
        guard let batchStarted, now - batchStarted > limits.watchdog else { return nil }
        return now - batchStarted
    }

    /// Sets places aside for all items of a request, or none.
    mutating func reserve(items: Int, cost: Double, caller: Caller, now: Instant) throws(QueueError) {
        if let busy = hungFor(now: now) { throw .workerHung(busyFor: busy) }
        if items > limits.items { throw .requestTooLarge(items: items, capacity: limits.items) }
        if let shortage = shortage(items: items, cost: cost, caller: caller) {
            throw .full(shortage, retryAfterSeconds: retryAfterSeconds)
        }
        reservedItems += items
        reservedCost += cost
        hold(items: items, cost: cost, caller: caller)
    }

    mutating func release(_ places: Places, caller: Caller) {
        reservedItems -= places.items
        reservedCost = reservedItems == 0 ? 0 : reservedCost - places.cost
        hold(items: -places.items, cost: -places.cost, caller: caller)
    }

    /// Which limit leaves no room for a request; nil: there is room.
    ///
    /// A caller with a key leaves as much of the queue free as it holds itself (Choudhury, Hahne 1998). Alone it gets
    /// half; with n others that want all, an (n + 2)-th. A new caller always finds a place.
    private func shortage(items: Int, cost: Double, caller: Caller) -> QueueError.Shortage? {
        let (queued, queuedCost) = (waitingItems + reservedItems, waitingCost + reservedCost)
        var shortage = QueueError.Shortage(
            limit: .places,
            queuedItems: queued,
            requestedItems: items,
            capacity: limits.items,
            queuedCost: queuedCost,
            requestedCost: cost
        )
        let (free, freeCost) = (limits.items - queued - items, Double(limits.items) - queuedCost - cost)
        if free < 0 { return shortage }
        // A single request on an empty queue is served at any cost; otherwise no decode would fit a small queue.
        if queued > 0, freeCost < 0 {
            shortage.limit = .cost
            return shortage
        }
        guard caller != .anyone, let own = held[caller] else { return nil }
        (shortage.callerItems, shortage.callerCost) = (own.items, own.cost)
        if own.items + items > free {
            shortage.limit = .callerPlaces
            return shortage
        }
        if own.cost + cost > freeCost {
            shortage.limit = .callerCost
            return shortage
        }
        return nil
    }

    private mutating func hold(items: Int, cost: Double, caller: Caller) {
        if caller == .anyone { return }
        var places = held.removeValue(forKey: caller) ?? Places()
        places.items += items
        places.cost += cost
        if places.items > 0 { held[caller] = places }
    }

    /// Callers with places in the queue.
    var heldCallers: Int { held.count }

    /// Whole seconds until the backlog is worked off at the measured rate, within 1...30.
    var retryAfterSeconds: Int {
        guard costPerSecond > 0 else { return 1 }
        let seconds = ((waitingCost + reservedCost) / costPerSecond).rounded(.up)
        return Int(min(max(seconds, 1), 30))
    }

    mutating func enqueue(
        _ id: UInt64,
        caller: Caller,
        items: [(item: Item, cost: Double)],
        deadline: Instant,
        timeout: Duration,
        now: Instant,
        continuation: Continuation
    ) {
        requests[id] = Request(
            caller: caller,
            continuation: continuation,
            deadline: deadline,
            timeout: timeout,
            outputs: Array(repeating: nil, count: items.count),
            remaining: items.count,
            running: 0
        )
        for (index, element) in items.enumerated() {
            let entry = Entry(request: id, index: index, item: element.item, cost: element.cost, enqueued: now)
            waiting.append(to: caller, ArrivalLine()) { $0.append(entry, cost: element.cost) }
            waitingCost += element.cost
            hold(items: 1, cost: element.cost, caller: caller)
        }
    }

    /// True if the caller must start the worker, which then runs until ``takeBatch(parallelism:now:)`` is empty.
    mutating func startWorker() -> Bool {
        defer { workerIsBusy = true }
        return !workerIsBusy
    }

    /// Takes the next batch: in fair order, up to the cost limit, but never fewer items than the engine has cores.
    mutating func takeBatch(parallelism: Int, now: Instant) -> [Entry] {
        var batch: [Entry] = []
        var cost = 0.0
        while let next = waiting.nextCost() {
            let fits = cost + next <= Double(limits.batchCost)
            guard batch.isEmpty || fits || batch.count < parallelism, let entry = waiting.popFirst()?.element else {
                break
            }
            batch.append(entry)
            cost += entry.cost
            requests[entry.request]?.running += 1
            if let caller = requests[entry.request]?.caller { hold(items: -1, cost: -entry.cost, caller: caller) }
        }
        waitingCost = waiting.isEmpty ? 0 : waitingCost - cost
        batchStarted = batch.isEmpty ? nil : now
        if batch.isEmpty {
            workerIsBusy = false
        } else {
            batches += 1
            lastBatchItems = batch.count
        }
        return batch
    }

    /// Stores a batch's outputs and returns the requests that are complete by it.
    mutating func finishBatch(_ batch: [Entry], outputs: [Output], now: Instant) -> [Request] {
        var complete: [Request] = []
        let started = batchStarted ?? now
        let duration = now - started
        for (entry, output) in zip(batch, outputs) {
            guard var request = requests.removeValue(forKey: entry.request) else {
                cancelledInInference += 1
                continue
            }
            request.outputs[entry.index] = (output, started - entry.enqueued, duration)
            request.remaining -= 1
            request.running -= 1
            if request.remaining == 0 {
                complete.append(request)
            } else {
                requests[entry.request] = request
            }
        }
        busyTotal += duration
        batchStarted = nil
        let seconds = duration / .seconds(1)
        if seconds > 0 {
            let rate = batch.reduce(0) { $0 + $1.cost } / seconds
            // A quarter of each new batch: follows a change of load within a few batches, ignores one outlier.
            costPerSecond = costPerSecond == 0 ? rate : 0.75 * costPerSecond + 0.25 * rate
        }
        return complete
    }

    /// Removes a request and its waiting items; nil if it is unknown or done.
    mutating func remove(_ id: UInt64) -> Request? {
        guard let request = requests.removeValue(forKey: id) else { return nil }
        if request.remaining > request.running {
            let removed = waiting.remove(from: request.caller) { $0.removeAll { $0.request == id } }
            let cost = removed.reduce(0) { $0 + $1.cost }
            cancelledInQueue += removed.count
            waitingCost = waiting.isEmpty ? 0 : waitingCost - cost
            hold(items: -removed.count, cost: -cost, caller: request.caller)
        }
        return request
    }

    /// Removes the requests whose deadline has passed.
    mutating func removeExpired(now: Instant) -> [(request: Request, stage: QueueError.Stage)] {
        let due = requests.filter { $0.value.deadline <= now }.keys
        return due.compactMap { id in
            guard let request = remove(id) else { return nil }
            return (request, request.running > 0 ? .inference : .queue)
        }
    }

    /// Removes every request, including running ones; a batch that ends later has no waiting request.
    mutating func removeAll() -> [Request] {
        requests.keys.sorted().compactMap { remove($0) }
    }

    var earliestDeadline: Instant? { requests.values.lazy.map(\.deadline).min() }
}
