// SPDX-License-Identifier: Apache-2.0

import Foundation
import TensorFiles
import Yams

/// A value of a YAML or JSON settings file.
package indirect enum SettingValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    case list([SettingValue])
    case map([Member])

    package struct Member: Equatable, Sendable {
        package let key: String
        package let value: SettingValue
    }

    /// A member; nil if it is absent or this is not a map.
    package subscript(key: String) -> SettingValue? {
        guard case .map(let members) = self else { return nil }
        return members.last { $0.key == key }?.value
    }

    /// A member that is there and not null.
    func given(_ key: String) -> SettingValue? {
        self[key].flatMap { $0 == .null ? nil : $0 }
    }

    package var keys: [String] {
        guard case .map(let members) = self else { return [] }
        return members.map(\.key)
    }

    /// The result of Python's `bool()`: every non-empty text is true, even "false".
    var isTrue: Bool {
        switch self {
        case .null: false
        case .bool(let flag): flag
        case .integer(let number): number != 0
        case .number(let number): number != 0
        case .text(let text): !text.isEmpty
        case .list(let elements): !elements.isEmpty
        case .map(let members): !members.isEmpty
        }
    }

    /// The result of Python's `int()`; nil if that would fail or overflow.
    var truncatedInteger: Int? {
        switch self {
        case .bool(let flag): flag ? 1 : 0
        case .integer(let number): number
        case .number(let number): Int(exactly: number.rounded(.towardZero))
        case .text(let text): Int(text.trimmingCharacters(in: .whitespaces))
        case .null, .list, .map: nil
        }
    }

    /// The result of Python's `float()`; nil if that would fail.
    var double: Double? {
        switch self {
        case .bool(let flag): flag ? 1 : 0
        case .integer(let number): Double(number)
        case .number(let number): number
        case .text(let text): Double(text.trimmingCharacters(in: .whitespaces))
        case .null, .list, .map: nil
        }
    }

    /// The first text in it with an OmegaConf interpolation, `${...}`.
    var interpolation: String? {
        switch self {
        case .text(let text): text.contains("${") ? spelled : nil
        case .list(let elements): elements.lazy.compactMap(\.interpolation).first
        case .map(let members): members.lazy.compactMap(\.value.interpolation).first
        case .null, .bool, .integer, .number: nil
        }
    }

    /// A text; nil for any other value.
    package var text: String? {
        if case .text(let text) = self { text } else { nil }
    }

    /// The result of Python's `str()` for a scalar, for error messages and for words in any case.
    var spelled: String {
        switch self {
        case .null: "None"
        case .bool(let flag): flag ? "True" : "False"
        case .integer(let number): String(number)
        case .number(let number): String(number)
        case .text(let text): text.count > 80 ? text.prefix(80) + "..." : text
        case .list: "a list"
        case .map: "a map"
        }
    }
}

extension SettingValue {
    private static let yamlByteLimit = 4 << 20
    private static let yamlValueLimit = 200_000
    private static let yamlDepthLimit = 64
    // diffusers writes a latent's statistics into config.json, a number a line.
    private static let jsonByteLimit = 64 << 20
    private static let jsonValueLimit = 2_000_000

    /// Reads a YAML file.
    package static func yaml(path: String) throws(ConversionError) -> SettingValue {
        let bytes = try bytes(of: path, limit: yamlByteLimit)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .notYAML(path: path, reason: "it is not UTF-8 text")
        }
        // Chains of them would nest deeper than the stack reaches, however the parser limits brackets.
        if let name = alias(in: text) { throw .aliases(path: path, name: name) }
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch {
            let lines = "\(error)".split(whereSeparator: \.isNewline).prefix(2)
            throw .notYAML(path: path, reason: String(lines.joined(separator: " ").prefix(300)))
        }
        guard let node else { return .map([]) }
        var left = yamlValueLimit
        guard let value = SettingValue(node, left: &left, depth: yamlDepthLimit) else {
            throw .notYAML(
                path: path,
                reason: "it holds more than \(yamlValueLimit) values, or nests them deeper than \(yamlDepthLimit)"
            )
        }
        return value
    }

    /// Reads a JSON file.
    package static func json(path: String) throws(ConversionError) -> SettingValue {
        let bytes = try bytes(of: path, limit: jsonByteLimit)
        do {
            return SettingValue(try JSONParser.parse(bytes, valueLimit: jsonValueLimit))
        } catch {
            throw .notJSON(path: path, reason: "\(error)")
        }
    }

    private static func bytes(of path: String, limit: Int) throws(ConversionError) -> [UInt8] {
        let file: FileBytes
        do {
            file = try FileBytes(path: path)
        } catch {
            throw .file(error)
        }
        guard file.count <= limit else { throw .settingsTooLong(path: path, limit: limit) }
        let bytes = file.withBytes { [UInt8]($0) }
        if bytes.starts(with: "version https://git-lfs".utf8) {
            throw .notSettings(path: path, found: "a Git LFS pointer")
        }
        if bytes.first(where: { $0 > 0x20 }) == UInt8(ascii: "<") {
            throw .notSettings(path: path, found: "a web page")
        }
        return bytes
    }

    /// The first name that is both an anchor's and an alias'; text in quotation marks or comments may look like one.
    private static func alias(in text: String) -> String? {
        var names: [Character: Set<Substring>] = ["&": [], "*": []]
        for word in text.split(whereSeparator: { !$0.isLetter && !$0.isNumber && !"_-&*".contains($0) }) {
            guard let mark = word.first, names[mark] != nil else { continue }
            names[mark]?.insert(word.dropFirst())
        }
        return names["*"]?.intersection(names["&"] ?? []).min().map(String.init)
    }

    /// - Returns: nil if there are more values than `left`, or values nested deeper than `depth`.
    private init?(_ node: Node, left: inout Int, depth: Int) {
        left -= 1
        guard left >= 0, depth >= 0 else { return nil }
        switch node {
        case .scalar(let scalar):
            self = scalar.style == .plain || scalar.style == .any ? Self.plain(scalar.string) : .text(scalar.string)
        case .sequence(let sequence):
            var elements: [SettingValue] = []
            for element in sequence {
                guard let value = SettingValue(element, left: &left, depth: depth - 1) else { return nil }
                elements.append(value)
            }
            self = .list(elements)
        case .mapping(let mapping):
            var members: [Member] = []
            for (key, element) in mapping {
                guard let value = SettingValue(element, left: &left, depth: depth - 1) else { return nil }
                members.append(Member(key: key.scalar?.string ?? "", value: value))
            }
            self = .map(members)
        case .alias: self = .null
        }
    }

    /// A scalar without quotation marks, as OmegaConf reads it; unlike PyYAML it reads `1e-6` as a number.
    private static func plain(_ text: String) -> SettingValue {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON": return .bool(true)
        case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF": return .bool(false)
        default: break
        }
        // Double("0x10"), Double("nan") and Double("infinity") would pass too, which no setting means.
        guard text.utf8.allSatisfy({ "+-.0123456789eE_".utf8.contains($0) }) else { return .text(text) }
        let digits = text.replacing("_", with: "")
        if let number = Int(digits) { return .integer(number) }
        if let number = Double(digits), number.isFinite { return .number(number) }
        return .text(text)
    }

    private init(_ node: JSONNode) {
        switch node {
        case .object(let members):
            self = .map(members.map { Member(key: $0.key, value: SettingValue($0.value)) })
        case .array(let elements): self = .list(elements.map { SettingValue($0) })
        case .string(let text): self = .text(text.text ?? "")
        case .number(let digits): self = Self.plain(digits)
        case .bool(let flag): self = .bool(flag)
        case .null: self = .null
        }
    }
}
