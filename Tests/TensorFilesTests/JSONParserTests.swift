// SPDX-License-Identifier: Apache-2.0

import TensorFiles
import Testing

/// What the strict parser takes, and each way in which it refuses.
@Suite struct JSONParserTests {
    @Test func everyKindOfValueIsRead() throws {
        let text =
            " {\"a\": [1, -2.5e+3, true, false, null], \"b\": \"\\u00e9\\n\\\"\\\\\\/\\b\\f\\r\\t\", \"c\": {}, \"d\": []} "
        guard case .object(let members) = try JSONParser.parse(Array(text.utf8)) else {
            Issue.record("no object")
            return
        }
        #expect(members.map(\.key) == ["a", "b", "c", "d"])
        #expect(members[0].value == .array([.number("1"), .number("-2.5e+3"), .bool(true), .bool(false), .null]))
        guard case .string(let string) = members[1].value else {
            Issue.record("no string")
            return
        }
        #expect(string.text == "\u{E9}\n\"\\/\u{8}\u{C}\r\t")
        #expect(members[2].value == .object([]))
        #expect(members[3].value == .array([]))
    }

    @Test func aLongStringStaysInTheBody() throws {
        let text = "\"" + String(repeating: "A", count: 5000) + "\""
        guard case .string(let string) = try JSONParser.parse(Array(text.utf8)) else {
            Issue.record("no string")
            return
        }
        #expect(string.text == nil)
        #expect(string.range == 1..<5001)
    }

    @Test(arguments: [
        ("", JSONError.unexpectedEnd(offset: 0)), ("[", .unexpectedEnd(offset: 1)),
        ("{\"a\":", .unexpectedEnd(offset: 5)),
        ("\"a", .unexpectedEnd(offset: 2)), ("tru", .unexpectedEnd(offset: 3)),
        ("[1 2]", .unexpectedByte(UInt8(ascii: "2"), offset: 3)), ("{a", .unexpectedByte(UInt8(ascii: "a"), offset: 1)),
        ("1 1", .unexpectedByte(UInt8(ascii: "1"), offset: 2)), ("[1,]", .unexpectedByte(UInt8(ascii: "]"), offset: 3)),
        ("nul1", .unexpectedByte(UInt8(ascii: "1"), offset: 3)), ("\"\n\"", .unexpectedByte(10, offset: 1)),
        ("+1", .unexpectedByte(UInt8(ascii: "+"), offset: 0)), ("NaN", .unexpectedByte(UInt8(ascii: "N"), offset: 0)),
        ("[[[1]]]", .tooDeep(limit: 2, offset: 2)), ("[1,1,1,1,1]", .tooManyValues(limit: 5, offset: 9)),
        ("{\"a\":1,\"\\u0061\":2}", .duplicateKey("a", offset: 7)),
        ("01", .invalidNumber(offset: 0)), ("-", .invalidNumber(offset: 0)), ("1.", .invalidNumber(offset: 0)),
        ("1e", .invalidNumber(offset: 0)), (String(repeating: "1", count: 65), .invalidNumber(offset: 0)),
        ("\"\\x\"", .invalidString(offset: 0)), ("\"\\ud800\"", .invalidString(offset: 0)),
        ("\"\\u00g0\"", .invalidString(offset: 0)), ("\"\\u00\"", .invalidString(offset: 0)),
        ("{\"\(String(repeating: "a", count: 4097))\":1}", .nameTooLong(limit: 4096, offset: 1)),
    ])
    func whatIsNotJSONIsRefusedWhereItBegins(text: String, error: JSONError) {
        #expect(throws: error) { try JSONParser.parse(Array(text.utf8), depthLimit: 2, valueLimit: 5) }
        #expect(!error.description.isEmpty)
    }

    @Test func bytesThatAreNotUTF8AreRefused() {
        #expect(throws: JSONError.invalidString(offset: 0)) { try JSONParser.parse([0x22, 0xFF, 0x22]) }
    }
}
