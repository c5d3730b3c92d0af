// SPDX-License-Identifier: Apache-2.0

import FrequencyBands
import TensorFiles

/// The parameters of one request by name, whether they came as query, form field or JSON member.
struct ParameterSet: Sendable {
    /// Bytes that the value of a parameter may have, in whichever form it comes.
    static let valueLimit = 4096

    /// The parameters that are lists of numbers, which JSON may give as arrays.
    static let lists = ["shape", "scaling_factor", "shift_factor", "keep"]

    private var values: [String: [String]] = [:]
    /// The axes of `shape`, parsed as they come: every file of a form asks for them.
    private var parsedShape: Result<[Int]?, Problem> = .success(nil)
    private let operation: String
    private let allowed: [String]

    init(of operation: any Operation.Type) {
        self.operation = operation.name
        allowed = operation.parameterNames
    }

    /// Adds one parameter.
    ///
    /// `shape` may be given once an axis, as `requests` sends lists.
    ///
    /// - Throws: a `Problem` of kind `unknown-parameter`, or `bad-parameter` if it is given twice or too long.
    mutating func add(_ name: String, _ value: String) throws(Problem) {
        guard allowed.contains(name) else {
            throw .unknownParameter(name, of: "/" + operation, allowed: allowed)
        }
        try Self.check(name, byteCount: value.utf8.count)
        let given = values[name, default: []]
        guard given.isEmpty || name == "shape" && given.count < 8 else {
            throw .givenTwice(name, takesLevels: name == "keep" && operation == Decode.name)
        }
        values[name] = given + [value]
        if name == "shape" { parsedShape = Self.shape(given + [value]) }
    }

    /// Checks the length of a value, which must not become a text before.
    ///
    /// - Throws: a `Problem` of kind `bad-parameter`.
    static func check(_ name: String, byteCount: Int) throws(Problem) {
        guard byteCount > valueLimit else { return }
        let name = printable(name, limit: 64)
        throw Problem(
            .badParameter,
            "\(name): the value has \(byteCount) bytes; at most \(valueLimit) are allowed.",
            [
                ("parameter", .string(name)), ("allowed", .string("at most \(valueLimit) bytes")),
                ("limit", .integer(valueLimit)), ("actual", .integer(byteCount)),
            ]
        )
    }

    /// The value of a parameter as given; nil if it was not.
    func text(_ name: String) -> String? { values[name]?.first }

    /// The value of a parameter with a comma or brackets, which make it a list; nil: it is none, or was not given.
    func list(_ name: String) -> String? {
        text(name).flatMap { $0.utf8.contains { ",[]".utf8.contains($0) } ? $0 : nil }
    }

    /// A parameter with a fixed set of values.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String,
        _ type: Choice.Type
    ) throws(Problem) -> Choice? where Choice.RawValue == String {
        guard let value = text(name) else { return nil }
        guard let choice = Choice(rawValue: value) else {
            throw .badParameter(name, value, choices: Choice.allCases.map(\.rawValue))
        }
        return choice
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let value = text(name) else { return nil }
        guard let number = Int(strict: value), range.contains(number) else {
            let (least, most) = (range.lowerBound, range.upperBound)
            throw .badParameter(
                name,
                value,
                allowed: least == most ? "\(least)" : "an integer from \(least) to \(most)"
            )
        }
        return number
    }

    func boolean(_ name: String) throws(Problem) -> Bool? {
        switch text(name) {
        case nil: return nil
        case "true", "True", "1": return true
        case "false", "False", "0": return false
        case .some(let value): throw .badParameter(name, value, choices: ["true", "false", "True", "False", "1", "0"])
        }
    }

    /// A number within bounds that are whole.
    func number(_ name: String, in range: ClosedRange<Double>) throws(Problem) -> Double? {
        guard let value = text(name) else { return nil }
        guard let number = Double(value), range.contains(number) else {
            throw .badParameter(
                name,
                value,
                allowed: "a number from \(Int(range.lowerBound)) to \(Int(range.upperBound))"
            )
        }
        return number
    }

    /// Finite numbers separated by commas, with or without brackets.
    func numbers(_ name: String) throws(Problem) -> [Double]? {
        guard let value = text(name) else { return nil }
        let parts = value.bracketless.split(separator: ",", omittingEmptySubsequences: false)
        var numbers: [Double] = []
        for part in parts.prefix(1024) {
            guard let number = Double(part.trimmingSpaces), number.isFinite else {
                throw .badParameter(name, value, allowed: "numbers separated by commas")
            }
            numbers.append(number)
        }
        return numbers
    }

    /// The axes of a raw tensor: `1,768,16,16`, `[1,768,16,16]` or one `shape` an axis.
    func shape() throws(Problem) -> [Int]? { try parsedShape.get() }

    private static func shape(_ given: [String]) -> Result<[Int]?, Problem> {
        let parts =
            given.count > 1
            ? given.map { Substring($0) }
            : Substring(given[0]).bracketless.split(separator: ",", omittingEmptySubsequences: false)
        var axes: [Int] = []
        for part in parts {
            guard let axis = Int(strict: part.trimmingSpaces), (0...(1 << 31)).contains(axis), axes.count < 8 else {
                let text = given.joined(separator: ",")
                return .failure(.badParameter("shape", text, allowed: "up to 8 sizes, such as 1,768,16,16"))
            }
            axes.append(axis)
        }
        return .success(axes)
    }
}

extension Problem {
    static func unknownParameter(_ name: String, of path: String, allowed: [String]) -> Problem {
        // `format` where it is `image_format`, and the other way round.
        var meant = allowed.filter { $0.hasSuffix("_" + name) || name.hasSuffix("_" + $0) }
        if meant.isEmpty { meant = nearestNames(to: name, among: allowed) }
        let hint = meant.isEmpty ? "." : "; did you mean \(meant.joined(separator: " or "))?"
        return Problem(
            .unknownParameter,
            "'\(printable(name, limit: 64))' is not a parameter of \(printable(path, limit: 64))\(hint)",
            [("parameter", .string(printable(name, limit: 64))), ("allowed", .array(allowed.map(JSONValue.string)))]
        )
    }

    /// `keep` is not a number of coefficients that a grid of `limit` has.
    static func keepOutOfRange(_ value: String, limit: Int) -> Problem {
        .badParameter("keep", value, allowed: "an integer from 0 to \(limit)")
    }

    static func givenTwice(_ name: String, takesLevels: Bool) -> Problem {
        let allowed =
            switch name {
            case "shape": "one value, or one for each of up to 8 axes"
            // Clients such as `requests` send a list as `keep=1&keep=4`.
            case _ where takesLevels: "one value, for a list one such as 1,4,16"
            default: "one value"
            }
        let detail = name == "shape" ? "shape: it is given more than 8 times" : "\(name): it is given twice"
        return Problem(
            .badParameter,
            "\(detail); send \(allowed).",
            [("parameter", .string(name)), ("allowed", .string(allowed))]
        )
    }

    static func badParameter(_ name: String, _ value: String, allowed: String) -> Problem {
        Problem(
            .badParameter,
            "\(name): expected \(allowed), got '\(printable(value, limit: 80))'.",
            [("parameter", .string(name)), ("allowed", .string(allowed))]
        )
    }

    static func badParameter(_ name: String, _ value: String, choices: [String]) -> Problem {
        Problem(
            .badParameter,
            "\(name): expected one of \(choices.joined(separator: ", ")), got '\(printable(value, limit: 80))'.",
            [("parameter", .string(name)), ("allowed", .array(choices.map(JSONValue.string)))]
        )
    }

    /// A number of coefficients or tokens that do not form a square.
    static func notSquare(_ name: String, _ count: Int, nearest: [Int]) -> Problem {
        let squares = nearest.map { "\($0) (\(squareRoot($0) ?? 0)x\(squareRoot($0) ?? 0))" }
        return .badParameter(
            name,
            String(count),
            allowed: "a square number such as \(squares.joined(separator: " or "))"
        )
    }

    /// Two parameters that are valid alone but not together.
    static func conflict(_ name: String, _ reason: String) -> Problem {
        Problem(.badParameter, "\(name): \(reason).", [("parameter", .string(name)), ("allowed", .string(reason))])
    }
}

extension Int {
    /// Decimal digits with an optional minus, nothing else: `Int("+5")` would pass, which no caller means.
    init?(strict text: some StringProtocol) {
        guard text.utf8.first.map({ $0 == UInt8(ascii: "-") || (0x30...0x39).contains($0) }) ?? false else {
            return nil
        }
        self.init(text)
    }
}

extension StringProtocol {
    var bracketless: Substring {
        let text = Substring(self).trimmingSpaces
        return text.hasPrefix("[") && text.hasSuffix("]") ? text.dropFirst().dropLast() : text
    }
}
