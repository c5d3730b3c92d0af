// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// Admission, batch forming, deadlines and cancellation in front of one inference engine.
///
/// One lock guards `QueueState`; continuations are resumed and the engine is called outside it. The worker has
/// its own thread, so that a long product never occupies a thread of the cooperative pool.
package final class InferenceQueue<Backend: InferenceBackend>: Sendable {
    package typealias Outputs = [(output: Backend.Output, wait: Duration, run: Duration)]
    typealias State = QueueState<Backend.Item, Backend.Output>

    package let backend: Backend
    package let limits: QueueLimits
    private let state: Mutex<State>
    private let worker = ThreadPool(name: "uae.inference", width: 1)
    private let timer = DeadlineTimer()
    private let clock = ContinuousClock()

    package init(backend: Backend, limits: QueueLimits) {
        self.backend = backend
        self.limits = limits
        state = Mutex(State(limits: limits))
    }

    /// Reserves places for all items of a request, or for none of them.
    ///
    /// - Parameters:
    ///   - items: how many.
    ///   - cost: of all of them, in encodes.
    ///   - caller: served in turn with others; may not hold more of the queue than it leaves free.
    /// - Returns: the places.
    /// - Throws: `QueueError.full`, `.requestTooLarge`, `.workerHung`.
    package func reserve(items: Int, cost: Double, caller: Caller = .anyone) throws(QueueError) -> Reservation {
        if let refusal = refusal(items: items, cost: cost, caller: caller, keep: true) { throw refusal }
        return Reservation(Places(items: items, cost: cost), caller: caller) { [self] places in
            state.withLock { $0.release(places, caller: caller) }
        }
    }

    /// Why a request of one cheap item would be refused now; asked before a body is read.
    package func refusal(to caller: Caller = .anyone) -> QueueError? {
        refusal(items: 1, cost: 1, caller: caller, keep: false)
    }

    private func refusal(items: Int, cost: Double, caller: Caller, keep: Bool) -> QueueError? {
        state.withLock { state in
            do throws(QueueError) {
                try state.reserve(items: items, cost: cost, caller: caller, now: clock.now)
                if !keep { state.release(Places(items: items, cost: cost), caller: caller) }
                return nil
            } catch {
                return error
            }
        }
    }

    /// Enqueues the items of a reservation and waits for all their outputs, in order.
    ///
    /// - Parameters:
    ///   - items: as many as were reserved, or fewer; at least one.
    ///   - reservation: its places pass to the items.
    ///   - rest: the places that stay reserved, for items that depend on these items' outputs.
    ///   - deadline: when the request is given up, wherever its items are.
    ///   - timeout: the request's time limit, for the error.
    /// - Returns: one output an item, and how long it waited and ran.
    /// - Throws: `QueueError.deadlineExceeded`, `.cancelled`, `.workerHung`.
    package func submit(
        _ items: [Backend.Item],
        reservation: Reservation,
        keeping rest: Places = .none,
        deadline: ContinuousClock.Instant,
        timeout: Duration
    ) async throws(QueueError) -> Outputs {
        precondition(!items.isEmpty && items.count + rest.items <= reservation.held.items)
        let priced = items.map { (item: $0, cost: backend.cost(of: $0)) }
        if Task.isCancelled { throw .cancelled }
        if deadline <= clock.now { throw .deadlineExceeded(stage: .queue, timeout: timeout) }
        let id = state.withLock { state in
            state.nextRequest += 1
            return state.nextRequest
        }
        do {
            return try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    let mustStart = state.withLock { state in
                        state.release(reservation.reduce(to: rest), caller: reservation.caller)
                        state.enqueue(
                            id,
                            caller: reservation.caller,
                            items: priced,
                            deadline: deadline,
                            timeout: timeout,
                            now: clock.now,
                            continuation: continuation
                        )
                        return state.startWorker()
                    }
                    if mustStart { worker.start { [self] in runBatches() } }
                    timer.schedule(for: deadline) { [self] in sweep() }
                    // The client may have disconnected before the handler below could register the request.
                    if Task.isCancelled { cancel(id) }
                }
            } onCancel: {
                cancel(id)
            }
        } catch let error as QueueError {
            throw error
        } catch {
            throw .cancelled
        }
    }

    private func cancel(_ id: UInt64) {
        let request = state.withLock { $0.remove(id) }
        request?.continuation.resume(throwing: QueueError.cancelled)
    }

    /// The worker: batches until nothing waits.
    ///
    /// Only one runs at a time (`workerIsBusy`).
    private func runBatches() {
        // Asked for by flag only: trades latency for fuller batches.
        if limits.batchDelay > .zero { Thread.sleep(forTimeInterval: limits.batchDelay / .seconds(1)) }
        while true {
            let batch = state.withLock { $0.takeBatch(parallelism: backend.parallelism, now: clock.now) }
            if batch.isEmpty { return }
            let outputs = backend.run(batch.map(\.item))
            precondition(outputs.count == batch.count)
            let complete = state.withLock { $0.finishBatch(batch, outputs: outputs, now: clock.now) }
            for request in complete {
                request.continuation.resume(returning: request.outputs.compactMap(\.self))
            }
        }
    }

    /// Ends the requests that are late.
    ///
    /// - Returns: the earliest deadline that has not passed.
    private func sweep() -> ContinuousClock.Instant? {
        let (expired, next) = state.withLock { ($0.removeExpired(now: clock.now), $0.earliestDeadline) }
        for (request, stage) in expired {
            request.continuation.resume(
                throwing: QueueError.deadlineExceeded(stage: stage, timeout: request.timeout)
            )
        }
        return next
    }

    /// Fails every request if the running batch hangs; a stuck thread cannot be recovered within the process.
    ///
    /// The queue recovers if the batch ends after all.
    ///
    /// - Returns: how long the batch has been running; nil if it does not hang.
    package func abandonIfHung() -> Duration? {
        let (busy, requests) = state.withLock { state in
            let busy = state.hungFor(now: clock.now)
            return (busy, busy == nil ? [] : state.removeAll())
        }
        guard let busy else { return nil }
        for request in requests { request.continuation.resume(throwing: QueueError.workerHung(busyFor: busy)) }
        return busy
    }

    /// True when nothing is reserved, waiting or running.
    package var isIdle: Bool {
        state.withLock { $0.isEmpty && !$0.workerIsBusy }
    }

    /// The queue's figures now.
    package func snapshot() -> QueueSnapshot {
        let now = clock.now
        return state.withLock { state in
            var snapshot = QueueSnapshot()
            snapshot.waitingItems = state.waitingItems
            snapshot.waitingCost = state.waitingCost
            snapshot.reservedItems = state.reservedItems
            snapshot.oldestWait = state.waiting.lines.compactMap(\.first).map { now - $0.enqueued }.max() ?? .zero
            snapshot.busyFor = state.batchStarted.map { now - $0 }
            snapshot.isHung = state.hungFor(now: now) != nil
            snapshot.rememberedCallers = max(state.heldCallers, state.waiting.keyCount)
            snapshot.busyTotal = state.busyTotal + (snapshot.busyFor ?? .zero)
            snapshot.batches = state.batches
            snapshot.lastBatchItems = state.lastBatchItems
            snapshot.cancelledInQueue = state.cancelledInQueue
            snapshot.cancelledInInference = state.cancelledInInference
            snapshot.costPerSecond = state.costPerSecond
            return snapshot
        }
    }
}
