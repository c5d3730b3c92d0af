// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Whose job it is, and until when its result is wanted.
package struct JobTicket: Sendable {
    package let caller: Caller
    /// Tells the requests of a caller apart.
    let request: UInt64
    package private(set) var deadline: ContinuousClock.Instant
    /// The request's time limit, for the error.
    package private(set) var timeout: Duration

    /// Changes the time limit of later jobs.
    package mutating func limit(_ timeout: Duration, until deadline: ContinuousClock.Instant) {
        self.timeout = timeout
        self.deadline = deadline
    }
}

/// Threads for the blocking work of many requests, which take turns by cost.
///
/// Callers get equal shares, and so do the requests of a caller. A job whose request is cancelled or late leaves at
/// once if it waits; if it runs, it ends without anyone waiting for it.
///
/// One more thread takes cheap jobs only, so that they need not wait for the end of costly ones even when those have
/// all other threads. Memory is bounded by the number of threads: each job may hold one decoded image.
package final class JobPool: Sendable {
    private struct Job {
        let ticket: JobTicket
        /// nil once taken: the thread is the only owner then.
        var work: (@Sendable () -> Void)?
        let fail: @Sendable (QueueError) -> Void
    }

    private struct State {
        /// Every job that someone waits for, running ones included.
        var jobs: [UInt64: Job] = [:]
        var waiting = FairLanes<Caller, FairLanes<UInt64, ArrivalLine<UInt64>>>(order: .finish)
        var lastNumber: UInt64 = 0
        var busyThreads = 0
        var expressIsBusy = false

        mutating func number() -> UInt64 {
            lastNumber += 1
            return lastNumber
        }

        /// Removes a job wherever it is; nil if it is unknown or done.
        mutating func remove(_ number: UInt64) -> Job? {
            guard let job = jobs.removeValue(forKey: number) else { return nil }
            guard job.work != nil else { return job }
            _ = waiting.remove(from: job.ticket.caller) { requests in
                requests.remove(from: job.ticket.request) { $0.removeAll { $0 == number } }
            }
            return job
        }
    }

    /// The largest cost of a job that the additional thread takes.
    private let cheapCost: Double
    private let width: Int
    private let threads: ThreadPool
    private let express: ThreadPool
    private let shared = Shared()
    private let timer = DeadlineTimer()
    private let clock = ContinuousClock()

    /// The state apart from the pool, so that its timer does not keep the pool alive.
    private final class Shared: Sendable {
        let state = Mutex(State())

        /// Removes a job that someone waits for and ends the waiting.
        func end(_ number: UInt64, _ error: QueueError) {
            let job = state.withLock { $0.remove(number) }
            job?.fail(error)
        }

        /// - Returns: the earliest deadline that has not passed.
        func sweep() -> ContinuousClock.Instant? {
            let now = ContinuousClock.now
            let (late, next) = state.withLock { state in
                let late = state.jobs.filter { $0.value.ticket.deadline <= now }.keys.compactMap { state.remove($0) }
                return (late, state.jobs.values.lazy.map(\.ticket.deadline).min())
            }
            for job in late { job.fail(.deadlineExceeded(stage: .image, timeout: job.ticket.timeout)) }
            return next
        }
    }

    /// Starts `width` threads called `name`, and one more for jobs of at most `cheapCost`.
    package init(name: String, width: Int, cheapCost: Double) {
        self.width = width
        self.cheapCost = cheapCost
        threads = ThreadPool(name: name, width: width)
        express = ThreadPool(name: name, width: 1)
    }

    /// The ticket of a new request.
    package func ticket(
        for caller: Caller,
        deadline: ContinuousClock.Instant,
        timeout: Duration
    ) -> JobTicket {
        let request = shared.state.withLock { $0.number() }
        return JobTicket(caller: caller, request: request, deadline: deadline, timeout: timeout)
    }

    /// Jobs that wait for a thread.
    package var waitingJobs: Int { shared.state.withLock { $0.waiting.count } }

    /// Runs `body` on a thread of the pool when its turn has come.
    ///
    /// - Parameters:
    ///   - ticket: of the request.
    ///   - cost: in any unit that is the same for all jobs of the pool.
    ///   - body: the work; it cannot be stopped once it runs.
    /// - Returns: what `body` returns.
    /// - Throws: `QueueError.deadlineExceeded`, `.cancelled`.
    package func run<Value: Sendable>(
        _ ticket: JobTicket,
        cost: Double,
        _ body: @escaping @Sendable () -> Value
    ) async throws(QueueError) -> Value {
        if ticket.deadline <= clock.now { throw .deadlineExceeded(stage: .image, timeout: ticket.timeout) }
        let number = shared.state.withLock { $0.number() }
        do {
            return try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    let work = { @Sendable [shared] in
                        let value = body()
                        let isWanted = shared.state.withLock { $0.jobs.removeValue(forKey: number) != nil }
                        if isWanted { continuation.resume(returning: value) }
                    }
                    enqueue(number, Job(ticket: ticket, work: work) { continuation.resume(throwing: $0) }, cost: cost)
                    // The client may have disconnected before the handler below could find the job.
                    if Task.isCancelled { shared.end(number, .cancelled) }
                }
            } onCancel: {
                shared.end(number, .cancelled)
            }
        } catch let error as QueueError {
            throw error
        } catch {
            throw .cancelled
        }
    }

    private func enqueue(_ number: UInt64, _ job: Job, cost: Double) {
        let (startsThread, startsExpress) = shared.state.withLock { state in
            state.jobs[number] = job
            state.waiting.append(to: job.ticket.caller, FairLanes(order: .finish)) { requests in
                requests.append(to: job.ticket.request, ArrivalLine()) { $0.append(number, cost: cost) }
            }
            if state.busyThreads < width {
                state.busyThreads += 1
                return (true, false)
            }
            guard cost <= cheapCost, !state.expressIsBusy else { return (false, false) }
            state.expressIsBusy = true
            return (false, true)
        }
        if startsThread { threads.start { [self] in runJobs() } }
        if startsExpress { express.start { [self] in runCheapJobs() } }
        timer.schedule(for: job.ticket.deadline) { [shared] in shared.sweep() }
    }

    /// A thread: jobs until none waits.
    private func runJobs() {
        while let work = take(within: .infinity, orElse: { $0.busyThreads -= 1 }) { work() }
    }

    /// The additional thread: cheap jobs until none is next in its request.
    private func runCheapJobs() {
        while let work = take(within: cheapCost, orElse: { $0.expressIsBusy = false }) { work() }
    }

    /// The next job's work; if there is none, `orElse` notes in the same step that the thread ends its turn.
    private func take(within limit: Double, orElse stop: (inout State) -> Void) -> (@Sendable () -> Void)? {
        shared.state.withLock { state in
            guard let number = state.waiting.popFirst(within: limit)?.element else {
                stop(&state)
                return nil
            }
            defer { state.jobs[number]?.work = nil }
            return state.jobs[number]?.work
        }
    }
}
