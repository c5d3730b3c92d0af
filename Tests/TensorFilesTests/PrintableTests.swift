// SPDX-License-Identifier: Apache-2.0

import TensorFiles
import Testing

@Suite struct PrintableTests {
    @Test(arguments: [
        ("plain é 日本 /a\\b'\"", "plain é 日本 /a\\b'\""), ("a\nb\u{1B}[2J\u{7F}\0", "a\\nb\\u{1B}[2J\\u{7F}\\0"),
        ("\u{85}\u{9B}\u{2028}", "\\u{0085}\\u{009B}\\u{2028}"), ("\u{202E}evil\u{200B}", "\\u{202E}evil\\u{200B}"),
    ])
    func whatCouldBreakAMessageIsEscaped(text: String, expected: String) {
        #expect(printable(text) == expected)
    }

    // One character, a megabyte long.
    @Test func theLimitCountsBytes() {
        let marks = "e" + String(repeating: "\u{301}", count: 500_000)
        #expect(marks.count == 1)
        #expect(printable(marks, limit: 64).utf8.count <= 67)
        #expect(printable("abc", limit: 3) == "abc" && printable("abcd", limit: 3) == "abc...")
        // An escape is shown whole or not at all.
        #expect(printable("ab\u{1B}", limit: 7) == "ab..." && printable("ab\u{1B}", limit: 8) == "ab\\u{1B}")
    }
}
