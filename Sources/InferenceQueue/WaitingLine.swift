// SPDX-License-Identifier: Apache-2.0

/// Elements that wait, and which of them is next.
///
/// With a `limit`, only an element that costs at most that much may be next.
protocol WaitingLine<Element> {
    associatedtype Element

    var count: Int { get }

    /// What the next element costs; nil if there is none.
    func nextCost(within limit: Double) -> Double?

    mutating func popFirst(within limit: Double) -> (element: Element, cost: Double)?
}

extension WaitingLine {
    var isEmpty: Bool { count == 0 }

    func nextCost() -> Double? { nextCost(within: .infinity) }

    mutating func popFirst() -> (element: Element, cost: Double)? { popFirst(within: .infinity) }
}

/// First come, first served.
struct ArrivalLine<Element>: WaitingLine {
    /// nil once taken: a retained element would retain the body of its request.
    private var elements: [(element: Element, cost: Double)?] = []
    /// Index of the first that waits; the front is cut off in bulk so that taking is not quadratic.
    private var head = 0

    var count: Int { elements.count - head }

    var first: Element? { isEmpty ? nil : elements[head]?.element }

    mutating func append(_ element: Element, cost: Double) {
        elements.append((element, cost))
    }

    func nextCost(within limit: Double) -> Double? {
        guard !isEmpty, let cost = elements[head]?.cost, cost <= limit else { return nil }
        return cost
    }

    mutating func popFirst(within limit: Double) -> (element: Element, cost: Double)? {
        guard nextCost(within: limit) != nil else { return nil }
        let taken = elements[head]
        elements[head] = nil
        head += 1
        // Before it is empty too: under load it may never be.
        if 2 * head >= elements.count {
            elements.removeFirst(head)
            head = 0
        }
        return taken
    }

    /// Removes the elements that satisfy `condition`.
    ///
    /// - Returns: the removed elements.
    mutating func removeAll(where condition: (Element) -> Bool) -> [Element] {
        let waiting = elements[head...].compactMap(\.self)
        elements = waiting.filter { !condition($0.element) }
        head = 0
        return waiting.map(\.element).filter(condition)
    }
}
