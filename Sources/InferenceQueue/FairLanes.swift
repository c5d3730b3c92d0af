// SPDX-License-Identifier: Apache-2.0

/// Waiting elements, one lane per caller; every caller with waiting elements gets an equal share of the work.
///
/// Start-time fair queueing (Goyal, Vin, Cheng 1996): a lane's tag grows by the cost of what is taken from it, the lane
/// with the lowest tag is next. A lane that returns begins at the current tag, so that no caller saves up credit.
/// Within a lane the order is first come, first served.
struct FairLanes<Element> {
    private struct Lane {
        var elements: [(element: Element, cost: Double)] = []
        /// Index of the first live element; the front is cut off in bulk so that taking is not quadratic.
        var head = 0
        var tag: Double
        /// When the lane's first element came, in elements: who came first is next when tags are equal.
        var arrival: UInt64

        var isEmpty: Bool { head == elements.count }
        var count: Int { elements.count - head }

        mutating func cut() {
            guard isEmpty || head > 1024 else { return }
            elements.removeFirst(head)
            head = 0
        }
    }

    private var lanes: [Caller: Lane] = [:]
    /// The tag of the element taken last.
    private var present = 0.0
    private var arrivals: UInt64 = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// Callers that are remembered: those that wait, and those that had more than their share lately.
    var callerCount: Int { lanes.count }

    mutating func append(_ element: Element, cost: Double, of caller: Caller) {
        arrivals += 1
        var lane = lanes.removeValue(forKey: caller) ?? Lane(tag: present, arrival: arrivals)
        if lane.isEmpty {
            lane.tag = max(lane.tag, present)
            lane.arrival = arrivals
        }
        lane.elements.append((element, cost))
        lanes[caller] = lane
        count += 1
    }

    private var next: Caller? {
        lanes.lazy.filter { !$0.value.isEmpty }
            .min { ($0.value.tag, $0.value.arrival) < ($1.value.tag, $1.value.arrival) }?.key
    }

    /// The element to take next.
    var first: Element? {
        next.flatMap { caller in lanes[caller].map { $0.elements[$0.head].element } }
    }

    mutating func popFirst() -> Element? {
        guard let caller = next, var lane = lanes.removeValue(forKey: caller) else { return nil }
        let (element, cost) = lane.elements[lane.head]
        lane.head += 1
        present = lane.tag
        lane.tag += cost
        lane.cut()
        lanes[caller] = lane
        count -= 1
        forget()
        return element
    }

    /// Empty lanes that are not ahead carry no information; if no element waits, no lane does.
    private mutating func forget() {
        if isEmpty { return lanes.removeAll(keepingCapacity: true) }
        lanes = lanes.filter { !$0.value.isEmpty || $0.value.tag > present }
    }

    /// Removes a caller's elements that satisfy `condition`.
    ///
    /// - Returns: the removed elements.
    mutating func removeAll(of caller: Caller, where condition: (Element) -> Bool) -> [Element] {
        guard var lane = lanes.removeValue(forKey: caller) else { return [] }
        let live = lane.elements[lane.head...]
        let removed = live.filter { condition($0.element) }.map(\.element)
        lane.elements = live.filter { !condition($0.element) }
        lane.head = 0
        lanes[caller] = lane
        count -= removed.count
        forget()
        return removed
    }

    /// The first element of every lane that has one.
    var heads: [Element] {
        lanes.values.filter { !$0.isEmpty }.map { $0.elements[$0.head].element }
    }
}
