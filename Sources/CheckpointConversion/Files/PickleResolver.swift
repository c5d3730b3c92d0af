// SPDX-License-Identifier: Apache-2.0

/// Converts the result of an ``Unpickler`` to values, each container once.
///
/// A container that the pickle references twice stays shared but counts twice. Otherwise a few dozen lists, each with
/// two references to the one before, would make a value too large to visit.
struct PickleResolver {
    private struct Resolved {
        let value: CheckpointValue
        /// Values in it, itself included.
        var count = 1
        /// Containers from it to its deepest value.
        var depth = 0
    }

    private let containers: [Unpickler.Container]
    private let tensors: [StoredTensor]
    private let limits: Unpickler.Limits
    private var finished: [Int: Resolved] = [:]
    private var unfinished: Set<Int> = []

    init(containers: [Unpickler.Container], tensors: [StoredTensor], limits: Unpickler.Limits) {
        self.containers = containers
        self.tensors = tensors
        self.limits = limits
    }

    /// - Throws: `.containsItself`, `.nestedTooDeeply`, `.tooManyValues`, `.badKey`.
    mutating func value(of item: Unpickler.Item) throws(PickleError) -> CheckpointValue {
        try resolve(item).value
    }

    private mutating func resolve(_ item: Unpickler.Item) throws(PickleError) -> Resolved {
        switch item {
        case .none: return Resolved(value: .none)
        case .bool(let bool): return Resolved(value: .bool(bool))
        case .integer(let integer): return Resolved(value: .integer(integer))
        case .number(let number): return Resolved(value: .number(number))
        case .text(let text): return Resolved(value: .text(text))
        case .tensor(let index): return Resolved(value: .tensor(tensors[index]))
        case .storage: return Resolved(value: .other("storage"))
        case .symbol(let symbol): return Resolved(value: .other(symbol.name))
        case .other(let name): return Resolved(value: .other(name))
        case .container(let index): return try resolve(container: index)
        }
    }

    private mutating func resolve(container index: Int) throws(PickleError) -> Resolved {
        if let resolved = finished[index] { return resolved }
        guard unfinished.insert(index).inserted else { throw .containsItself }
        // Bounds the recursion.
        guard unfinished.count <= limits.depth else { throw .nestedTooDeeply(limit: limits.depth) }
        let container = containers[index]
        let isList = container.kind == .list
        var values: [CheckpointValue] = []
        var count = 1
        var depth = 0
        for item in stride(from: isList ? 0 : 1, to: container.items.count, by: isList ? 1 : 2) {
            let resolved = try resolve(container.items[item])
            values.append(resolved.value)
            count += resolved.count
            depth = max(depth, resolved.depth)
            guard count <= limits.values else { throw .tooManyValues(limit: limits.values) }
        }
        guard depth < limits.depth else { throw .nestedTooDeeply(limit: limits.depth) }
        let value = isList ? CheckpointValue.list(values) : .dictionary(try members(container.items, values))
        let resolved = Resolved(value: value, count: count, depth: depth + 1)
        unfinished.remove(index)
        finished[index] = resolved
        return resolved
    }

    private func members(
        _ items: [Unpickler.Item],
        _ values: [CheckpointValue]
    ) throws(PickleError) -> [(key: String, value: CheckpointValue)] {
        var members: [(key: String, value: CheckpointValue)] = []
        var places: [String: Int] = [:]
        for (index, value) in values.enumerated() {
            let key = try key(items[2 * index])
            if let place = places[key] {
                members[place].value = value
            } else {
                places[key] = members.count
                members.append((key, value))
            }
        }
        return members
    }

    private func key(_ item: Unpickler.Item) throws(PickleError) -> String {
        switch item {
        case .text(let text): return text
        case .integer(let integer): return String(integer)
        case .bool(let bool): return bool ? "True" : "False"
        case .none: return "None"
        case .number: throw .badKey(found: "a float")
        case .container: throw .badKey(found: "a list, tuple or dictionary")
        case .tensor, .storage: throw .badKey(found: "a tensor")
        case .symbol(let symbol): throw .badKey(found: symbol.name)
        case .other(let name): throw .badKey(found: name)
        }
    }
}
