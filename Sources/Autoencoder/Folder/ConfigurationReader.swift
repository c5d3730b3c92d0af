// SPDX-License-Identifier: Apache-2.0

import TensorFiles

/// Reads the members of one JSON object and refuses unknown ones.
///
/// Every error carries the path of its member in `config.json`.
struct ConfigurationReader {
    let path: String
    private let members: [String: JSONNode]
    private var asked: Set<String> = []

    init(_ value: JSONNode, path: String) throws(ConfigurationError) {
        guard case .object(let members) = value else {
            throw .wrongType(path: path, expected: "object", found: value.kind)
        }
        self.path = path
        self.members = Dictionary(members.map { ($0.key, $0.value) }) { first, _ in first }
    }

    /// The full path of a member.
    func path(_ key: String) -> String {
        path.isEmpty ? key : path + "." + key
    }

    /// Refuses members that were not read, so that a misspelt option is never ignored.
    func finish() throws(ConfigurationError) {
        if let unknown = members.keys.filter({ !asked.contains($0) }).min() {
            throw .unknownMember(path: path(unknown))
        }
    }

    /// Whether the object has the member.
    func contains(_ key: String) -> Bool {
        members[key].map { $0 != .null } ?? false
    }

    // MARK: Scalars

    mutating func integer(_ key: String, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
        try Self.integer(required(key), path: path(key), in: range)
    }

    mutating func optionalInteger(_ key: String, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int? {
        guard let value = optional(key) else { return nil }
        return try Self.integer(value, path: path(key), in: range)
    }

    mutating func number(_ key: String, in range: ClosedRange<Double>) throws(ConfigurationError) -> Double {
        try Self.number(required(key), path: path(key), in: range)
    }

    mutating func boolean(_ key: String, default fallback: Bool) throws(ConfigurationError) -> Bool {
        guard let value = optional(key) else { return fallback }
        guard case .bool(let flag) = value else {
            throw .wrongType(path: path(key), expected: "boolean", found: value.kind)
        }
        return flag
    }

    mutating func text(_ key: String) throws(ConfigurationError) -> String {
        let value = try required(key)
        return try Self.text(value, path: path(key))
    }

    mutating func optionalText(_ key: String) throws(ConfigurationError) -> String? {
        guard let value = optional(key) else { return nil }
        return try Self.text(value, path: path(key))
    }

    /// The name of a file that lies in the model folder itself.
    mutating func optionalFileName(_ key: String) throws(ConfigurationError) -> String? {
        guard let name = try optionalText(key) else { return nil }
        guard !name.contains("/"), !name.contains("\0"), name != ".", name != ".." else {
            throw .unsafeFileName(path: path(key), value: name)
        }
        return name
    }

    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String,
        default fallback: Choice? = nil
    ) throws(ConfigurationError) -> Choice where Choice.RawValue == String {
        if let fallback, optional(key) == nil { return fallback }
        let name = try text(key)
        guard let choice = Choice(rawValue: name) else {
            throw .notAmong(path: path(key), value: name, allowed: Choice.allCases.map(\.rawValue))
        }
        return choice
    }

    // MARK: Collections

    mutating func numbers(
        _ key: String,
        count: Int,
        in range: ClosedRange<Double>
    ) throws(ConfigurationError) -> [Double] {
        let numbers = try numbers(key, countIn: 0...Int.max, in: range)
        guard numbers.count == count else {
            throw .countMismatch(path: path(key), expected: count, found: numbers.count)
        }
        return numbers
    }

    mutating func numbers(
        _ key: String,
        countIn counts: ClosedRange<Int>,
        in range: ClosedRange<Double>
    ) throws(ConfigurationError) -> [Double] {
        let elements = try array(key, limit: counts.upperBound)
        guard elements.count >= counts.lowerBound else {
            throw .countMismatch(path: path(key), expected: counts.lowerBound, found: elements.count)
        }
        var numbers: [Double] = []
        for (index, element) in elements.enumerated() {
            numbers.append(try Self.number(element, path: "\(path(key))[\(index)]", in: range))
        }
        return numbers
    }

    mutating func integers(
        _ key: String,
        limit: Int,
        in range: ClosedRange<Int>
    ) throws(ConfigurationError) -> [Int] {
        let elements = try array(key, limit: limit)
        var integers: [Int] = []
        for (index, element) in elements.enumerated() {
            integers.append(try Self.integer(element, path: "\(path(key))[\(index)]", in: range))
        }
        return integers
    }

    mutating func object(_ key: String) throws(ConfigurationError) -> ConfigurationReader {
        try ConfigurationReader(required(key), path: path(key))
    }

    mutating func optionalObject(_ key: String) throws(ConfigurationError) -> ConfigurationReader? {
        guard let value = optional(key) else { return nil }
        return try ConfigurationReader(value, path: path(key))
    }

    mutating func objects(_ key: String, limit: Int) throws(ConfigurationError) -> [ConfigurationReader] {
        let elements = try array(key, limit: limit)
        var readers: [ConfigurationReader] = []
        for (index, element) in elements.enumerated() {
            readers.append(try ConfigurationReader(element, path: "\(path(key))[\(index)]"))
        }
        return readers
    }

    // MARK: Private

    private mutating func array(_ key: String, limit: Int) throws(ConfigurationError) -> [JSONNode] {
        let value = try required(key)
        guard case .array(let elements) = value else {
            throw .wrongType(path: path(key), expected: "array", found: value.kind)
        }
        guard elements.count <= limit else {
            throw .tooMany(path: path(key), count: elements.count, limit: limit)
        }
        return elements
    }

    /// `null` counts as absent.
    private mutating func optional(_ key: String) -> JSONNode? {
        asked.insert(key)
        guard let value = members[key], value != .null else { return nil }
        return value
    }

    private mutating func required(_ key: String) throws(ConfigurationError) -> JSONNode {
        guard let value = optional(key) else { throw .missing(path: path(key)) }
        return value
    }

    private static func integer(
        _ value: JSONNode,
        path: String,
        in range: ClosedRange<Int>
    ) throws(ConfigurationError) -> Int {
        guard case .number(let digits) = value, let number = Double(digits), number == number.rounded() else {
            throw .wrongType(path: path, expected: "integer", found: value.kind)
        }
        return Int(try Self.number(value, path: path, in: Double(range.lowerBound)...Double(range.upperBound)))
    }

    private static func number(
        _ value: JSONNode,
        path: String,
        in range: ClosedRange<Double>
    ) throws(ConfigurationError) -> Double {
        guard case .number(let digits) = value, let number = Double(digits) else {
            throw .wrongType(path: path, expected: "number", found: value.kind)
        }
        guard range.contains(number) else {
            throw .outOfRange(path: path, value: number, minimum: range.lowerBound, maximum: range.upperBound)
        }
        return number
    }

    private static func text(_ value: JSONNode, path: String) throws(ConfigurationError) -> String {
        guard case .string(let string) = value, let text = string.text else {
            throw .wrongType(path: path, expected: "string", found: value.kind)
        }
        guard !text.isEmpty else { throw .empty(path: path) }
        return text
    }
}

extension JSONNode {
    /// What an error message calls this kind of value.
    fileprivate var kind: String {
        switch self {
        case .object: "object"
        case .array: "array"
        case .string: "string"
        case .number: "number"
        case .bool: "boolean"
        case .null: "null"
        }
    }
}
