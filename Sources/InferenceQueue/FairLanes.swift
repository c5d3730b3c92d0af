// SPDX-License-Identifier: Apache-2.0

/// Waiting elements, one lane per key; every key with waiting elements gets an equal share of the work.
///
/// A lane's tag grows by the cost of what is taken from it, so that work is counted, not elements. A lane that returns
/// begins at the current tag, so that no key saves up credit. Lanes may hold lanes: shares of callers, and within each
/// of them shares of its requests.
struct FairLanes<Key: Hashable, Line: WaitingLine>: WaitingLine {
    typealias Element = Line.Element

    /// Which lane is next.
    enum Order {
        /// The one with the lowest tag: start-time fair queueing (Goyal, Vin, Cheng 1996).
        case start
        /// The one whose tag will be lowest after its next element: weighted fair queueing (Demers, Keshav, Shenker
        /// 1989), for costs that differ widely. A cheap element passes costly ones that came before it, until their
        /// lanes have lost as much work by that as they themselves want.
        case finish
    }

    private struct Lane {
        var line: Line
        var tag: Double
        /// When the lane's first element came, in elements: who came first is next when tags are equal.
        var arrival: UInt64
    }

    private let order: Order
    private var lanes: [Key: Lane] = [:]
    /// The tag at which a lane begins.
    private var present = 0.0
    private var arrivals: UInt64 = 0
    private(set) var count = 0

    init(order: Order) {
        self.order = order
    }

    /// Keys that are remembered: those that wait, and those that had more than their share lately.
    var keyCount: Int { lanes.count }

    /// The lines with waiting elements.
    var lines: [Line] { lanes.values.map(\.line).filter { !$0.isEmpty } }

    /// Adds an element to a lane, which starts as `line` if there is none.
    mutating func append(to key: Key, _ line: @autoclosure () -> Line, append: (inout Line) -> Void) {
        arrivals += 1
        var lane = lanes.removeValue(forKey: key) ?? Lane(line: line(), tag: present, arrival: arrivals)
        if lane.line.isEmpty {
            lane.tag = max(lane.tag, present)
            lane.arrival = arrivals
        }
        append(&lane.line)
        lanes[key] = lane
        count += 1
    }

    private func next(within limit: Double) -> (key: Key, cost: Double)? {
        var best: (key: Key, cost: Double, rank: Double, arrival: UInt64)?
        for (key, lane) in lanes {
            guard let cost = lane.line.nextCost(within: limit) else { continue }
            let rank = order == .start ? lane.tag : lane.tag + cost
            if let best, (best.rank, best.arrival) <= (rank, lane.arrival) { continue }
            best = (key, cost, rank, lane.arrival)
        }
        return best.map { ($0.key, $0.cost) }
    }

    func nextCost(within limit: Double) -> Double? { next(within: limit)?.cost }

    mutating func popFirst(within limit: Double) -> (element: Element, cost: Double)? {
        guard let (key, cost) = next(within: limit), var lane = lanes.removeValue(forKey: key) else { return nil }
        let taken = lane.line.popFirst(within: limit)
        switch order {
        case .start: present = lane.tag
        case .finish: present += cost / Double(lanes.values.count { !$0.line.isEmpty } + 1)
        }
        lane.tag += cost
        lanes[key] = lane
        count -= 1
        forget()
        return taken
    }

    /// Empty lanes that are not ahead carry no information; if no element waits, no lane does.
    private mutating func forget() {
        if isEmpty { return lanes.removeAll(keepingCapacity: true) }
        // Few at a time; the lanes that stay are not copied.
        for key in lanes.filter({ $0.value.line.isEmpty && $0.value.tag <= present }).keys { lanes[key] = nil }
    }

    /// Removes elements of one lane.
    ///
    /// - Returns: what `remove` returned: the removed elements.
    mutating func remove(from key: Key, _ remove: (inout Line) -> [Element]) -> [Element] {
        guard var lane = lanes.removeValue(forKey: key) else { return [] }
        let removed = remove(&lane.line)
        lanes[key] = lane
        count -= removed.count
        forget()
        return removed
    }
}
