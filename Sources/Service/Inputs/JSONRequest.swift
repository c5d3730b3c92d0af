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

    /// - Throws: a `Problem` of kind `malformed-json` with the offset of what is not allowed.
    init(_ body: [UInt8]) throws(Problem) {
        let node: JSONNode
        do throws(JSONError) {
            node = try JSONParser.parse(body)
        } catch {
            throw error.problem
        }
        guard case .object(let members) = node else {
            throw .malformedJSON("The body must be a JSON object.", offset: 0)
        }
        var hasInputs = false
        for member in members {
            if member.key == "inputs" {
                hasInputs = true
                inputs = try Self.readInputs(member)
            } else if let value = try Self.text(member) {
                parameters.append((member.key, value))
            } else if member.value != .null {
                throw .malformedJSON(
                    "'\(member.key.prefix(64))' must be a string, a number, a boolean or an array of numbers.",
                    offset: member.offset
                )
            }
        }
        guard hasInputs, !inputs.isEmpty else {
            throw .malformedJSON("The body needs a member 'inputs' with at least one input.", offset: 0)
        }
    }

    private static func readInputs(_ member: JSONMember) throws(Problem) -> [Input] {
        guard case .array(let elements) = member.value else {
            throw .malformedJSON("'inputs' must be an array.", offset: member.offset)
        }
        var inputs: [Input] = []
        for element in elements {
            guard case .object(let members) = element else {
                throw .malformedJSON("Each input must be an object with 'b64'.", offset: member.offset)
            }
            var id: String?
            var data: (JSONString, Int)?
            for member in members {
                switch (member.key, member.value) {
                case ("id", .string(let text)): id = text.text.map { String($0.prefix(256)) }
                case ("id", .number(let digits)): id = digits
                case ("b64", .string(let text)): data = (text, member.offset)
                default:
                    throw .malformedJSON(
                        "Unexpected member '\(member.key.prefix(64))'; an input has 'id' (string or number) and 'b64' (string).",
                        offset: member.offset
                    )
                }
            }
            guard let data else { throw .malformedJSON("An input has no 'b64'.", offset: member.offset) }
            inputs.append(Input(id: id, data: data.0, offset: data.1))
        }
        return inputs
    }

    /// The text of a parameter; nil for a value that no parameter can have.
    ///
    /// - Throws: a `Problem` of kind `bad-parameter` if it is too long.
    private static func text(_ member: JSONMember) throws(Problem) -> String? {
        switch member.value {
        case .bool(let flag): return flag ? "true" : "false"
        case .number(let digits): return digits
        case .string(let string):
            try ParameterSet.check(member.key, byteCount: string.range.count)
            return string.text
        case .array(let elements):
            let texts = elements.compactMap { element -> String? in
                guard case .number(let digits) = element else { return nil }
                return digits
            }
            guard texts.count == elements.count else { return nil }
            try ParameterSet.check(member.key, byteCount: texts.reduce(-1) { $0 + 1 + $1.utf8.count })
            return texts.joined(separator: ",")
        case .null, .object: return nil
        }
    }
}

extension JSONRequest.Input {
    /// - Throws: a `Problem` of kind `malformed-json`.
    func decodedBytes(of body: [UInt8]) throws(Problem) -> [UInt8] {
        guard let decoded = body[data.range].withUnsafeBytes(decodeBase64(jsonText:)) else {
            throw .malformedJSON("'b64' is not standard base64 with padding.", offset: offset)
        }
        return decoded
    }
}

extension Problem {
    static func malformedJSON(_ detail: String, offset: Int) -> Problem {
        Problem(.malformedJSON, detail, [("offset", .integer(offset))])
    }
}
