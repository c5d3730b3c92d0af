// SPDX-License-Identifier: Apache-2.0

import TensorFiles

/// Replacements for the functions and classes that a pickle calls.
extension Unpickler {
    private static let maximumAxes = 64
    /// Views that repeat their storage's elements may have this many; 64 MiB as `Float`.
    private static let maximumRepeated = 1 << 24
    /// Storages and tensors count as several values, for they are larger.
    private static let extraCharge = 8

    /// The value of a call.
    ///
    /// - Throws: `.notCallable`, `.badArguments`, and what is wrong with a tensor.
    mutating func result(of function: Item, arguments: Item, offset: Int) throws(PickleError) -> Item {
        guard case .symbol(let symbol) = function else { throw .notCallable(name: "a value", offset: offset) }
        guard case .container(let index) = arguments, containers[index].kind == .list else {
            throw .badArguments(name: symbol.name, offset: offset)
        }
        let arguments = containers[index].items
        let item: Item?
        switch symbol.role {
        case .dictionary: item = try dictionary(arguments)
        case .namespace: item = arguments.isEmpty ? add(.namespace, []) : nil
        case .list: item = try list(arguments)
        case .tensor: item = try tensor(arguments)
        case .tensorWithType: item = try tensorWithType(arguments)
        case .parameter: item = parameter(arguments)
        case .tensorSubclass: item = try tensorSubclass(arguments)
        case .opaque: item = .other(symbol.name)
        case .storage, .untypedStorage, .elementType, .name: throw .notCallable(name: symbol.name, offset: offset)
        }
        guard let item else { throw .badArguments(name: symbol.name, offset: offset) }
        return item
    }

    /// `dict()`, `dict(other)`, `OrderedDict([[key, value], ...])`, `defaultdict(factory)`.
    private mutating func dictionary(_ arguments: [Item]) throws(PickleError) -> Item? {
        guard arguments.count <= 1 else { return nil }
        switch arguments.first {
        case nil, .symbol: return add(.dictionary, [])
        case .container(let index) where containers[index].kind == .dictionary:
            try charge(containers[index].items.count)
            return add(.dictionary, containers[index].items)
        case .container(let index) where containers[index].kind == .list:
            try charge(2 * containers[index].items.count)
            var items: [Item] = []
            for pair in containers[index].items {
                guard case .container(let index) = pair, containers[index].kind == .list,
                    containers[index].items.count == 2
                else { return nil }
                items += containers[index].items
            }
            return add(.dictionary, items)
        default: return nil
        }
    }

    /// `list()`, `set(items)`.
    private mutating func list(_ arguments: [Item]) throws(PickleError) -> Item? {
        guard let first = arguments.first else { return add(.list, []) }
        guard arguments.count == 1, case .container(let index) = first, containers[index].kind == .list else {
            return nil
        }
        try charge(containers[index].items.count)
        return add(.list, containers[index].items)
    }

    /// `('storage', class, key, device, count)`.
    mutating func storage(named item: Item, offset: Int) throws(PickleError) -> Item {
        guard case .container(let index) = item, containers[index].items.count == 5,
            case .text("storage") = containers[index].items[0], case .symbol(let symbol) = containers[index].items[1],
            case .text(let key) = containers[index].items[2], case .integer(let count) = containers[index].items[4],
            count >= 0
        else { throw .badPersistentID(offset: offset) }
        guard let bytes = storageBytes[key] else { throw .storageMissing(key: key) }
        let type: ElementType?
        let isUntyped: Bool
        switch symbol.role {
        case .storage(let elementType): (type, isUntyped) = (elementType, false)
        case .untypedStorage: (type, isUntyped) = (nil, true)
        default: throw .badPersistentID(offset: offset)
        }
        let needed = elementCount([count, type?.byteCount ?? 1]) ?? Int.max
        guard needed <= bytes.range.count else {
            throw .storageTooShort(key: key, needed: needed, found: bytes.range.count)
        }
        try charge(Self.extraCharge)
        storages.append(
            Storage(
                key: key,
                name: symbol.name,
                elementType: type,
                isUntyped: isUntyped,
                count: count,
                bytes: bytes
            )
        )
        return .storage(storages.count - 1)
    }

    /// `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks, metadata)`.
    private mutating func tensor(_ arguments: [Item]) throws(PickleError) -> Item? {
        guard (4...7).contains(arguments.count), case .storage(let index) = arguments[0], !storages[index].isUntyped
        else { return nil }
        guard let type = storages[index].elementType else { return .other("\(storages[index].name) tensor") }
        // The elements of such a view are not those of the storage: torch negates or conjugates them as it reads.
        if arguments.count == 7, case .container(let metadata) = arguments[6], !containers[metadata].items.isEmpty {
            return .other("tensor with torch's negative or conjugate bit")
        }
        return try view(of: storages[index], count: storages[index].count, type: type, arguments)
    }

    /// `_rebuild_tensor_v3(storage, offset, size, stride, requires_grad, backward_hooks, dtype, metadata)`.
    private mutating func tensorWithType(_ arguments: [Item]) throws(PickleError) -> Item? {
        guard (7...8).contains(arguments.count), case .storage(let index) = arguments[0], storages[index].isUntyped,
            case .symbol(let symbol) = arguments[6], case .elementType(let type) = symbol.role
        else { return nil }
        guard let type else { return .other("\(symbol.name) tensor") }
        return try view(of: storages[index], count: storages[index].count / type.byteCount, type: type, arguments)
    }

    /// `_rebuild_parameter(data, requires_grad, backward_hooks)`, or with a state after these.
    private func parameter(_ arguments: [Item]) -> Item? {
        guard let data = arguments.first, (3...4).contains(arguments.count) else { return nil }
        switch data {
        case .tensor, .other: return data
        default: return nil
        }
    }

    /// `_rebuild_from_type_v2(function, type, arguments, state)`.
    private mutating func tensorSubclass(_ arguments: [Item]) throws(PickleError) -> Item? {
        guard arguments.count == 4, case .symbol(let function) = arguments[0],
            case .symbol = arguments[1], case .container(let index) = arguments[2], containers[index].kind == .list
        else { return nil }
        let inner = containers[index].items
        switch function.role {
        case .tensor: return try tensor(inner)
        case .tensorWithType: return try tensorWithType(inner)
        case .parameter: return parameter(inner)
        default: return nil
        }
    }

    private mutating func view(
        of storage: Storage,
        count: Int,
        type: ElementType,
        _ arguments: [Item]
    ) throws(PickleError) -> Item? {
        guard case .integer(let offset) = arguments[1], let shape = try integers(arguments[2], storage.key),
            let strides = try integers(arguments[3], storage.key), shape.count == strides.count
        else { return nil }
        let key = storage.key
        if let size = ([offset] + shape + strides).first(where: { $0 < 0 }) {
            throw .negativeSize(key: key, size: size)
        }
        let last = Self.lastElement(offset: offset, shape: shape, strides: strides)
        guard let elements = elementCount(shape), let last, elements == 0 || last < count else {
            throw .viewOutsideStorage(key: key, shape: shape, strides: strides, offset: offset, count: count)
        }
        let limit = max(count, Self.maximumRepeated)
        guard elements <= limit else { throw .viewTooLarge(key: key, shape: shape, limit: limit) }
        try charge(Self.extraCharge + 2 * shape.count)
        tensors.append(
            StoredTensor(elementType: type, shape: shape, strides: strides, offset: offset, bytes: storage.bytes)
        )
        return .tensor(tensors.count - 1)
    }

    private func integers(_ item: Item, _ key: String) throws(PickleError) -> [Int]? {
        guard case .container(let index) = item, containers[index].kind == .list else { return nil }
        let items = containers[index].items
        guard items.count <= Self.maximumAxes else {
            throw .tooManyAxes(key: key, count: items.count, limit: Self.maximumAxes)
        }
        let integers = items.compactMap { item -> Int? in
            guard case .integer(let integer) = item else { return nil }
            return integer
        }
        return integers.count == items.count ? integers : nil
    }

    /// The place of the last element of a view; nil if it overflows.
    private static func lastElement(offset: Int, shape: [Int], strides: [Int]) -> Int? {
        var last = offset
        for (size, stride) in zip(shape, strides) where size > 0 {
            let (distance, overflows) = (size - 1).multipliedReportingOverflow(by: stride)
            let (sum, sumOverflows) = last.addingReportingOverflow(distance)
            guard !overflows, !sumOverflows else { return nil }
            last = sum
        }
        return last
    }
}
