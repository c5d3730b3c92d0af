// SPDX-License-Identifier: Apache-2.0

import HTTPWire
import InferenceQueue

/// The long work of one request outside the engine, on the image threads: in turn with other requests, until the
/// request's deadline, and only while its client is there.
struct RequestWork: Sendable {
    let threads: JobPool
    var ticket: JobTicket

    /// The cost of a job, in decoded pixels.
    enum Cost {
        /// Parsing a byte takes about a third of the time that decoding a pixel takes.
        static func parsing(byteCount: Int) -> Double { Double(byteCount) / 3 }

        /// The check of a latent, or an image that is not decodable.
        static let item = 10_000.0

        /// Serialising the result of one item: up to a megabyte.
        static let result = 100_000.0

        /// The largest cost of a job that has a thread of its own to go to; some 30 ms of work.
        static let cheap = 4_000_000.0
    }

    /// Runs `body` on an image thread.
    ///
    /// - Throws: what `body` throws, or a `Problem` of kind `deadline-exceeded`.
    func run<Value: Sendable>(
        cost: Double,
        _ body: @escaping @Sendable () throws(Problem) -> Value
    ) async throws(Problem) -> Value {
        let result: Result<Value, Problem>
        do throws(QueueError) {
            result = try await threads.run(ticket, cost: cost) {
                do throws(Problem) { return .success(try body()) } catch { return .failure(error) }
            }
        } catch {
            throw error.problem
        }
        return try result.get()
    }

    /// Builds the response to several items on an image thread; that to one is small enough to be built right here.
    func build(
        _ outcomes: [ItemOutcome],
        _ body: @escaping @Sendable () throws(Problem) -> Response
    ) async throws(Problem) -> Response {
        try await build(resultCount: outcomes.count, body)
    }

    /// The same, where an item can have several results.
    func build(
        resultCount: Int,
        _ body: @escaping @Sendable () throws(Problem) -> Response
    ) async throws(Problem) -> Response {
        if resultCount == 1 { return try body() }
        return try await run(cost: Cost.result * Double(resultCount), body)
    }

    /// Runs `job` for each element side by side, and returns the results in the order of the elements.
    ///
    /// - Throws: the `Problem` of the first job that throws; the other jobs are cancelled.
    func map<Element: Sendable, Value: Sendable>(
        _ elements: [Element],
        _ job: @escaping @Sendable (Element) async throws(Problem) -> Value
    ) async throws(Problem) -> [Value] {
        // One needs no task of its own.
        if elements.count == 1 { return [try await job(elements[0])] }
        let results = await withTaskGroup(of: (Int, Result<Value, Problem>).self) { group in
            for (index, element) in elements.enumerated() {
                group.addTask {
                    do throws(Problem) { return (index, .success(try await job(element))) } catch {
                        return (index, .failure(error))
                    }
                }
            }
            var results: [(Int, Result<Value, Problem>)] = []
            for await result in group {
                if case .failure = result.1 { group.cancelAll() }
                results.append(result)
            }
            return results
        }
        if let failure = results.first(where: { $0.1.problem != nil }) { _ = try failure.1.get() }
        var values: [Value] = []
        for (_, result) in results.sorted(by: { $0.0 < $1.0 }) { values.append(try result.get()) }
        return values
    }
}

extension Result where Failure == Problem {
    var problem: Problem? {
        switch self {
        case .success: nil
        case .failure(let problem): problem
        }
    }
}
