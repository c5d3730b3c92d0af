// SPDX-License-Identifier: Apache-2.0

/// Text of a caller or a file, fit to be repeated in a message: bounded in bytes, and without anything that ends a line,
/// moves a cursor, reorders or hides what follows.
///
/// Counted in bytes, not in characters: a single character can have megabytes of combining marks.
///
/// - Parameters:
///   - text: what was sent.
///   - limit: the most bytes of UTF-8 that are shown; longer text ends with "...".
/// - Returns: at most `limit` bytes, and three more.
package func printable(_ text: some StringProtocol, limit: Int = 200) -> String {
    var shown = ""
    var count = 0
    for scalar in text.unicodeScalars {
        let piece = isPrintable(scalar) ? String(scalar) : scalar.escaped(asASCII: true)
        guard count + piece.utf8.count <= limit else { return shown + "..." }
        count += piece.utf8.count
        shown += piece
    }
    return shown
}

private func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return (0x20...0x7E).contains(scalar.value) }
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: return false
    default: return true
    }
}
