// SPDX-License-Identifier: Apache-2.0

/// An object with a deadline.
package protocol DeadlineHolder: AnyObject {
    /// Its index in the heap; nil: it has no deadline. Only the heap writes it.
    var deadlineIndex: Int? { get set }

    func checkDeadline(_ now: ContinuousClock.Instant)
}

/// Deadlines, the earliest first: a binary heap whose entries can be moved and removed.
package struct DeadlineHeap {
    private struct Entry {
        var instant: ContinuousClock.Instant
        let holder: any DeadlineHolder
    }

    private var entries: [Entry] = []

    package init() {}

    package var count: Int { entries.count }

    package var earliest: ContinuousClock.Instant? { entries.first?.instant }

    package func deadline(of holder: any DeadlineHolder) -> ContinuousClock.Instant? {
        holder.deadlineIndex.map { entries[$0].instant }
    }

    /// Sets a holder's deadline, in place of any that it has.
    package mutating func set(_ holder: any DeadlineHolder, to instant: ContinuousClock.Instant) {
        if let index = holder.deadlineIndex {
            entries[index].instant = instant
            settle(index)
        } else {
            holder.deadlineIndex = entries.count
            entries.append(Entry(instant: instant, holder: holder))
            settle(entries.count - 1)
        }
    }

    package mutating func remove(_ holder: any DeadlineHolder) {
        guard let index = holder.deadlineIndex else { return }
        holder.deadlineIndex = nil
        let last = entries.removeLast()
        guard index < entries.count else { return }
        place(last, at: index)
        settle(index)
    }

    /// Removes the holder with the earliest deadline, if that is not after `now`.
    package mutating func popDue(_ now: ContinuousClock.Instant) -> (any DeadlineHolder)? {
        guard let first = entries.first, first.instant <= now else { return nil }
        remove(first.holder)
        return first.holder
    }

    /// Moves an entry up or down until it is between its parent and its children.
    private mutating func settle(_ start: Int) {
        let entry = entries[start]
        var index = start
        while index > 0, entry.instant < entries[(index - 1) / 2].instant {
            place(entries[(index - 1) / 2], at: index)
            index = (index - 1) / 2
        }
        while true {
            var child = 2 * index + 1
            guard child < entries.count else { break }
            if child + 1 < entries.count, entries[child + 1].instant < entries[child].instant { child += 1 }
            guard entries[child].instant < entry.instant else { break }
            place(entries[child], at: index)
            index = child
        }
        place(entry, at: index)
    }

    private mutating func place(_ entry: Entry, at index: Int) {
        entries[index] = entry
        entry.holder.deadlineIndex = index
    }
}
