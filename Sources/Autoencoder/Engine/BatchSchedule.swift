// SPDX-License-Identifier: Apache-2.0

/// Which tasks of a batch run side by side, one thread each, and which are shared by all threads.
///
/// Tasks side by side do not wait for each other, but leave threads idle when their costs are uneven. A shared task
/// keeps all threads busy at a small loss. The order never changes a result.
package struct BatchSchedule: Equatable {
    /// Run one after another, each by the whole team.
    package private(set) var shared: [Int] = []
    /// Run by single threads, the most expensive first.
    package private(set) var separate: [Int] = []

    /// The share of its threads' time that a shared task uses, measured on the published decoder.
    private static let sharedEfficiency = 0.85

    /// - Parameters:
    ///   - costs: one for each task.
    ///   - teamSize: threads.
    package init(costs: [Double], teamSize: Int) {
        guard teamSize > 1 else {
            separate = Array(costs.indices)
            return
        }
        let order = costs.indices.sorted { costs[$0] > costs[$1] }
        // Try to share every run of neighbours in that order; two or more tasks per thread are never worth sharing.
        var best = (time: Double.infinity, window: 0..<0)
        for count in 0..<min(2 * teamSize, order.count + 1) {
            for start in 0...(count == 0 ? 0 : order.count - count) {
                let window = start..<start + count
                let time = Self.time(costs, order: order, window: window, teamSize: teamSize)
                if time < best.time { best = (time, window) }
            }
        }
        shared = Array(order[best.window])
        separate = Array(order[..<best.window.lowerBound] + order[best.window.upperBound...])
    }

    /// How long a batch takes if the tasks in `window` are shared and the others handed out in order.
    private static func time(_ costs: [Double], order: [Int], window: Range<Int>, teamSize: Int) -> Double {
        var busy = [Double](repeating: 0, count: teamSize)
        var sharing = 0.0
        for (place, task) in order.enumerated() {
            if window.contains(place) {
                sharing += costs[task] / (Double(teamSize) * sharedEfficiency)
            } else if let freest = busy.indices.min(by: { busy[$0] < busy[$1] }) {
                busy[freest] += costs[task]
            }
        }
        return sharing + (busy.max() ?? 0)
    }
}
