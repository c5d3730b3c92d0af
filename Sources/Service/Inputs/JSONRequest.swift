// SPDX-License-Identifier: Apache-2.0

import TensorFiles

/// A JSON request: `{"inputs": [{"id": "a", "b64": "..."}], <parameters>}`.
struct JSONRequest {
    struct Input {
        let id: String?
        let data: JSONString
        let offset: Int
    }

    private(set) var inputs: [Input] = []
    /// Members other than `inputs`, as parameter texts.
    private(set) var parameters: [(name: String, value: String)] = []

    static let example = #"{"inputs":[{"b64":"..."}]}"#

    /// A UTF-8 byte order mark before the JSON is skipped (RFC 8259 8.1).
    ///
    /// - Throws: a `Problem` of kind `malformed-json` with the offset of what is not allowed.
    init(_ body: [UInt8]) throws(Problem) {
        let node: JSONNode
        do throws(JSONError) {
            node = try JSONParser.parse(body, from: PayloadKind.byteOrderMarkLength(body[...]))
        } catch {
            throw error.problem
        }
        guard case .object(let members) = node else {
            throw .malformedJSON("The JSON is \(node.kindName); send an object, \(Self.example).", offset: 0)
        }
        guard let given = members.first(where: { $0.key == "inputs" }) else { throw Self.missingInputs(members) }
        inputs = try Self.readInputs(given)
        for member in members where member.key != "inputs" {
            if let value = try Self.text(member) {
                parameters.append((member.key, value))
            } else if member.value != .null {
                let kinds =
                    ParameterSet.lists.contains(member.key)
                    ? "a string, a number or an array of numbers" : "a string, a number or a boolean"
                throw .malformedJSON(
                    "'\(printable(member.key, limit: 64))' is \(member.value.kindName); it must be \(kinds).",
                    offset: member.offset
                )
            }
        }
    }

    /// Names the member that was probably meant to be `inputs`.
    private static func missingInputs(_ members: [JSONMember]) -> Problem {
        if let member = members.first(where: { $0.key == "b64" || $0.key == "id" }) {
            return .malformedJSON("'\(member.key)' is a member of an input: send \(example).", offset: member.offset)
        }
        let names: Set<String> = ["input", "inputs", "image", "images", "instances", "items", "data", "file", "files"]
        let meant = members.first { names.contains($0.key.lowercased()) }
        // Nothing else can be an array of objects, an object or a very long string.
        if let meant = meant ?? members.first(where: { (try? text($0)) == nil && $0.value != .null }) {
            return .malformedJSON(
                "'\(printable(meant.key, limit: 64))' is not a member of a request; did you mean 'inputs'? Send \(example).",
                offset: meant.offset
            )
        }
        return .malformedJSON("The body needs a member 'inputs' with at least one input: \(example).", offset: 0)
    }

    private static func readInputs(_ member: JSONMember) throws(Problem) -> [Input] {
        guard case .array(let elements) = member.value else {
            throw .malformedJSON(
                "'inputs' is \(member.value.kindName); it must be an array of objects, \(example).",
                offset: member.offset
            )
        }
        guard !elements.isEmpty else {
            throw .malformedJSON("'inputs' is empty; it needs at least one input.", offset: member.offset)
        }
        var inputs: [Input] = []
        for element in elements { inputs.append(try readInput(element, index: inputs.count, of: member)) }
        return inputs
    }

    private static func readInput(_ element: JSONNode, index: Int, of inputs: JSONMember) throws(Problem) -> Input {
        guard case .object(let members) = element else {
            throw .malformedJSON(
                "Input \(index) is \(element.kindName); each must be an object with 'b64', \(example).",
                offset: inputs.offset
            )
        }
        var id: String?
        var data: (JSONString, Int)?
        for member in members {
            switch (member.key, member.value) {
            case ("id", .string(let text)):
                guard let text = text.text else {
                    throw .malformedJSON(
                        "The id of input \(index) is longer than \(ItemID.longest) bytes.",
                        offset: member.offset
                    )
                }
                if let fault = ItemID.fault(text) { throw .malformedJSON(fault, offset: member.offset) }
                id = text
            case ("id", .number(let digits)): id = digits
            case ("b64", .string(let text)): data = (text, member.offset)
            case ("id", _), ("b64", _):
                throw .malformedJSON(
                    "'\(member.key)' of input \(index) is \(member.value.kindName); 'id' is a string or a number, 'b64' a string.",
                    offset: member.offset
                )
            default:
                throw .malformedJSON(
                    "Unexpected member '\(printable(member.key, limit: 64))' of input \(index); an input has 'id' and 'b64'.",
                    offset: member.offset
                )
            }
        }
        guard let data else { throw .malformedJSON("Input \(index) has no 'b64'.", offset: inputs.offset) }
        return Input(id: id, data: data.0, offset: data.1)
    }

    /// The text of a parameter; nil for a value that no parameter can have.
    ///
    /// - Throws: a `Problem` of kind `bad-parameter` if it is too long.
    private static func text(_ member: JSONMember) throws(Problem) -> String? {
        switch member.value {
        case .bool(let flag): return flag ? "true" : "false"
        case .number(let digits): return parameterText(ofJSONNumber: digits)
        case .string(let string):
            try ParameterSet.check(member.key, byteCount: string.range.count)
            return string.text
        case .array(let elements):
            guard ParameterSet.lists.contains(member.key) else { return nil }
            let texts = elements.compactMap { element -> String? in
                guard case .number(let digits) = element else { return nil }
                return parameterText(ofJSONNumber: digits)
            }
            guard texts.count == elements.count else { return nil }
            try ParameterSet.check(member.key, byteCount: texts.reduce(-1) { $0 + 1 + $1.utf8.count })
            // Brackets tell a list of one from a number, and an empty list from an empty value.
            return texts.count > 1 ? texts.joined(separator: ",") : "[\(texts.joined())]"
        case .null, .object: return nil
        }
    }
}

extension JSONRequest.Input {
    /// The bytes of base64, or of a `data:` URI.
    ///
    /// - Throws: a `Problem` of kind `malformed-json`.
    func decodedBytes(of body: [UInt8]) throws(Problem) -> [UInt8] {
        enum Fault: Error { case uri, base64 }
        let outcome = body[data.range].withUnsafeBytes { text -> Result<[UInt8], Fault> in
            guard let base64 = base64(ofDataURI: text) else { return .failure(.uri) }
            return decodeBase64(jsonText: base64).map { .success($0) } ?? .failure(.base64)
        }
        switch outcome {
        case .success(let bytes): return bytes
        case .failure(.uri): throw .malformedJSON("'b64' is a data: URI without ';base64'.", offset: offset)
        case .failure(.base64):
            throw .malformedJSON(
                "'b64' is not base64: letters, digits, + and / or - and _, with or without padding, no line breaks.",
                offset: offset
            )
        }
    }
}

extension JSONNode {
    /// For error texts.
    fileprivate var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

extension Problem {
    static func malformedJSON(_ detail: String, offset: Int) -> Problem {
        Problem(.malformedJSON, detail, [("offset", .integer(offset))])
    }
}
