// SPDX-License-Identifier: Apache-2.0

import TensorFiles

/// Reads the pickles that `torch.save` writes.
///
/// A pickle is a program for a stack machine, but its functions are never called. This machine has the opcodes that
/// build values, a fixed list of names (``PickleSymbol``), and limits for everything that a file could make large.
///
/// - Source: CPython's `pickle.py` and `pickletools.py`, torch's `serialization.py` and `_utils.py`.
package struct Unpickler {
    /// The limit of values that a pickle may create; a checkpoint of 100,000 tensors needs a quarter of it.
    package struct Limits {
        package var bytes = 512 << 20
        package var values = 20_000_000
        package var stack = 1_000_000
        package var memo = 10_000_000
        package var name = 4096
        package var depth = 64

        package init() {}
    }

    /// Containers are named by their index, so that equal ones stay shared and deep ones are freed without recursion.
    enum Item {
        case none
        case bool(Bool)
        case integer(Int)
        case number(Double)
        case text(String)
        case container(Int)
        case tensor(Int)
        case storage(Int)
        case symbol(PickleSymbol)
        case other(String)
    }

    struct Container {
        enum Kind { case list, dictionary, namespace }

        let kind: Kind
        /// Of a dictionary: keys and values in turn.
        var items: [Item]
    }

    struct Storage {
        let key: String
        /// The class's name.
        let name: String
        /// nil: bytes, or elements that cannot be read here.
        let elementType: ElementType?
        let isUntyped: Bool
        let count: Int
        let bytes: StoredBytes
    }

    let storageBytes: [String: StoredBytes]
    private let limits: Limits
    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    private var stack: [Item] = []
    /// Heights of the stack.
    private var marks: [Int] = []
    private var memo: [Int: Item] = [:]
    private var valueCount = 0
    private(set) var containers: [Container] = []
    var tensors: [StoredTensor] = []
    var storages: [Storage] = []

    /// Reads a whole pickle.
    ///
    /// - Parameters:
    /// - Returns: the value that it builds.
    /// - Throws: `PickleError`.
    package static func read(
        _ pickle: UnsafeRawBufferPointer,
        storages: [String: StoredBytes],
        limits: Limits = Limits()
    ) throws(PickleError) -> CheckpointValue {
        guard pickle.count <= limits.bytes else { throw .tooLong(bytes: pickle.count, limit: limits.bytes) }
        var unpickler = Unpickler(bytes: pickle, storageBytes: storages, limits: limits)
        let result = try unpickler.run()
        var resolver = PickleResolver(
            containers: unpickler.containers,
            tensors: unpickler.tensors,
            limits: limits
        )
        return try resolver.value(of: result)
    }

    private init(bytes: UnsafeRawBufferPointer, storageBytes: [String: StoredBytes], limits: Limits) {
        self.bytes = bytes
        self.storageBytes = storageBytes
        self.limits = limits
    }

    private mutating func run() throws(PickleError) -> Item {
        while true {
            let offset = position
            let opcode = try number(UInt8.self)
            if opcode == UInt8(ascii: ".") { return try pop(offset) }
            try perform(opcode, offset)
        }
    }

    private mutating func perform(_ opcode: UInt8, _ offset: Int) throws(PickleError) {
        switch opcode {
        case 0x80:  // PROTO
            let version = try number(UInt8.self)
            guard (2...5).contains(version) else { throw .unsupportedProtocol(version) }
        case 0x95:  // FRAME
            let length = try number(UInt64.self)
            guard length <= UInt64(bytes.count - position) else { throw .endsEarly(offset: offset) }
        case UInt8(ascii: "N"): try push(.none)
        case 0x88: try push(.bool(true))
        case 0x89: try push(.bool(false))
        case UInt8(ascii: "K"): try push(.integer(Int(try number(UInt8.self))))
        case UInt8(ascii: "M"): try push(.integer(Int(try number(UInt16.self))))
        case UInt8(ascii: "J"): try push(.integer(Int(try number(Int32.self))))
        case 0x8A: try push(long(try take(number(UInt8.self))))
        case UInt8(ascii: "G"): try push(.number(Double(bitPattern: try number(UInt64.self).byteSwapped)))
        case UInt8(ascii: "X"): try push(.text(try text(number(UInt32.self), offset)))
        case 0x8C: try push(.text(try text(number(UInt8.self), offset)))
        case 0x8D: try push(.text(try text(number(UInt64.self), offset)))
        case UInt8(ascii: "B"): try pushBytes(number(UInt32.self))
        case UInt8(ascii: "C"): try pushBytes(number(UInt8.self))
        case 0x8E, 0x96: try pushBytes(number(UInt64.self))  // BINBYTES8, BYTEARRAY8
        case UInt8(ascii: "("):
            marks.append(stack.count)
            try checkDepth()
        case UInt8(ascii: "0"): try discard(offset)
        case UInt8(ascii: "1"): _ = try popToMark(offset)
        case UInt8(ascii: "2"): try push(try top(offset))
        case UInt8(ascii: "}"): try pushContainer(.dictionary, [])
        case UInt8(ascii: "]"), UInt8(ascii: ")"), 0x8F: try pushContainer(.list, [])
        case UInt8(ascii: "t"), 0x91: try pushContainer(.list, try popToMark(offset))  // TUPLE, FROZENSET
        case 0x85, 0x86, 0x87: try pushContainer(.list, try pop(Int(opcode) - 0x84, offset))
        case UInt8(ascii: "a"):
            let item = try pop(offset)
            try append([item], opcode, offset)
        case UInt8(ascii: "e"), 0x90: try append(try popToMark(offset), opcode, offset)
        case UInt8(ascii: "s"):
            let pair = try pop(2, offset)
            try insert(pair, opcode, offset)
        case UInt8(ascii: "u"): try insert(try popToMark(offset), opcode, offset)
        case UInt8(ascii: "q"): try remember(Int(try number(UInt8.self)), offset)
        case UInt8(ascii: "r"): try remember(Int(try number(UInt32.self)), offset)
        case 0x94: try remember(memo.count, offset)
        case UInt8(ascii: "h"): try recall(Int(try number(UInt8.self)), offset)
        case UInt8(ascii: "j"): try recall(Int(try number(UInt32.self)), offset)
        case UInt8(ascii: "c"):
            let module = try line(offset)
            try pushSymbol(module, try line(offset), offset)
        case 0x93:
            let names = try pop(2, offset)
            guard case .text(let module) = names[0], case .text(let name) = names[1] else {
                throw .badArguments(name: "STACK_GLOBAL", offset: offset)
            }
            try pushSymbol(module, name, offset)
        case UInt8(ascii: "R"), 0x81:  // REDUCE, NEWOBJ
            let call = try pop(2, offset)
            try push(try result(of: call[0], arguments: call[1], offset: offset))
        case UInt8(ascii: "b"): try build(offset)
        case UInt8(ascii: "Q"): try push(try storage(named: try pop(offset), offset: offset))
        default: throw .unsupportedOpcode(opcode, offset: offset)
        }
    }
}

// MARK: - Arguments of opcodes

extension Unpickler {
    private mutating func number<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type
    ) throws(PickleError) -> Number {
        guard let number = bytes.number(type, at: position) else { throw .endsEarly(offset: position) }
        position += MemoryLayout<Number>.size
        return number
    }

    private mutating func take(_ length: some FixedWidthInteger) throws(PickleError) -> UnsafeRawBufferPointer {
        guard let length = Int(exactly: length), let part = bytes.part(position, length) else {
            throw .endsEarly(offset: position)
        }
        position += length
        return part
    }

    private mutating func text(_ length: some FixedWidthInteger, _ offset: Int) throws(PickleError) -> String {
        guard let text = String(validating: try take(length), as: UTF8.self) else {
            throw .textNotUTF8(offset: offset)
        }
        return text
    }

    /// Text up to a newline.
    private mutating func line(_ offset: Int) throws(PickleError) -> String {
        guard let rest = bytes.part(position, min(limits.name + 1, bytes.count - position)) else {
            throw .endsEarly(offset: offset)
        }
        guard let length = rest.firstIndex(of: UInt8(ascii: "\n")) else {
            throw rest.count > limits.name
                ? .nameTooLong(limit: limits.name, offset: offset) : .endsEarly(offset: offset)
        }
        let line = try text(length, offset)
        position += 1
        return line
    }

    /// Little-endian, two's complement, any length.
    private func long(_ digits: UnsafeRawBufferPointer) -> Item {
        guard digits.count <= 8 else { return .other("integer of \(digits.count) bytes") }
        let isNegative = digits.last.map { $0 & 0x80 != 0 } ?? false
        return .integer(digits.reversed().reduce(isNegative ? -1 : 0) { $0 << 8 | Int($1) })
    }
}

// MARK: - Stack and memo

extension Unpickler {
    /// Counts values that are made, so that time and memory stay bounded.
    mutating func charge(_ count: Int) throws(PickleError) {
        guard count <= limits.values - valueCount else { throw .tooManyValues(limit: limits.values) }
        valueCount += count
    }

    private func checkDepth() throws(PickleError) {
        guard stack.count + marks.count <= limits.stack else {
            throw .stackTooDeep(limit: limits.stack, offset: position)
        }
    }

    private mutating func push(_ item: Item) throws(PickleError) {
        try charge(1)
        stack.append(item)
        try checkDepth()
    }

    private mutating func pushBytes(_ length: some FixedWidthInteger) throws(PickleError) {
        _ = try take(length)
        try push(.other("bytes"))
    }

    private mutating func pushContainer(_ kind: Container.Kind, _ items: [Item]) throws(PickleError) {
        try push(add(kind, items))
    }

    mutating func add(_ kind: Container.Kind, _ items: [Item]) -> Item {
        containers.append(Container(kind: kind, items: items))
        return .container(containers.count - 1)
    }

    private mutating func pushSymbol(_ module: String, _ name: String, _ offset: Int) throws(PickleError) {
        guard let symbol = PickleSymbol("\(module).\(name)") else {
            throw .forbidden(name: "\(module).\(name)", offset: offset)
        }
        try push(.symbol(symbol))
    }

    private func top(_ offset: Int) throws(PickleError) -> Item {
        guard let item = stack.last, stack.count > marks.last ?? 0 else { throw .stackEmpty(offset: offset) }
        return item
    }

    private mutating func pop(_ offset: Int) throws(PickleError) -> Item {
        let item = try top(offset)
        stack.removeLast()
        return item
    }

    /// The uppermost items, the lowest first.
    private mutating func pop(_ count: Int, _ offset: Int) throws(PickleError) -> [Item] {
        guard stack.count - (marks.last ?? 0) >= count else { throw .stackEmpty(offset: offset) }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popToMark(_ offset: Int) throws(PickleError) -> [Item] {
        guard let mark = marks.popLast() else { throw .noMark(offset: offset) }
        defer { stack.removeLast(stack.count - mark) }
        return Array(stack[mark...])
    }

    /// POP also removes a mark, as in CPython.
    private mutating func discard(_ offset: Int) throws(PickleError) {
        if let mark = marks.last, mark == stack.count {
            marks.removeLast()
        } else {
            _ = try pop(offset)
        }
    }

    private mutating func remember(_ index: Int, _ offset: Int) throws(PickleError) {
        memo[index] = try top(offset)
        guard memo.count <= limits.memo else { throw .memoTooLarge(limit: limits.memo, offset: offset) }
    }

    private mutating func recall(_ index: Int, _ offset: Int) throws(PickleError) {
        guard let item = memo[index] else { throw .notInMemo(index: index, offset: offset) }
        try push(item)
    }
}

// MARK: - Changes to the container on top of the stack

extension Unpickler {
    private mutating func append(_ items: [Item], _ opcode: UInt8, _ offset: Int) throws(PickleError) {
        let target = try top(offset)
        guard case .container(let index) = target, containers[index].kind == .list else {
            throw .wrongTarget(opcode, found: kind(of: target), offset: offset)
        }
        containers[index].items.append(contentsOf: items)
    }

    private mutating func insert(_ pairs: [Item], _ opcode: UInt8, _ offset: Int) throws(PickleError) {
        let target = try top(offset)
        guard case .container(let index) = target, containers[index].kind == .dictionary else {
            throw .wrongTarget(opcode, found: kind(of: target), offset: offset)
        }
        guard pairs.count.isMultiple(of: 2) else { throw .keyWithoutValue(offset: offset) }
        containers[index].items.append(contentsOf: pairs)
    }

    /// BUILD sets an object's attributes; only a namespace's are used.
    private mutating func build(_ offset: Int) throws(PickleError) {
        let state = try pop(offset)
        let target = try top(offset)
        switch target {
        case .container(let index) where containers[index].kind == .namespace:
            guard case .container(let source) = state, containers[source].kind == .dictionary else {
                throw .badArguments(name: "argparse.Namespace", offset: offset)
            }
            let items = containers[source].items
            try charge(items.count)
            containers[index].items.append(contentsOf: items)
        case .container(let index) where containers[index].kind == .dictionary: break
        case .tensor, .other: break
        case .none, .bool, .integer, .number, .text, .container, .storage, .symbol:
            throw .wrongTarget(UInt8(ascii: "b"), found: kind(of: target), offset: offset)
        }
    }

    /// For messages.
    private func kind(of item: Item) -> String {
        switch item {
        case .none: "None"
        case .bool: "a bool"
        case .integer: "an integer"
        case .number: "a float"
        case .text: "text"
        case .container(let index): containers[index].kind == .list ? "a list" : "a dictionary"
        case .tensor: "a tensor"
        case .storage: "a storage"
        case .symbol(let symbol): symbol.name
        case .other(let name): name
        }
    }
}
