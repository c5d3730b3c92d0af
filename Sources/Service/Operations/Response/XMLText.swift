// SPDX-License-Identifier: Apache-2.0

import TensorFiles

/// Text for the content or a quoted attribute of an XML element.
///
/// XML has no way to write most control characters, not even escaped, so they are shown as in messages.
func xmlText(_ text: String) -> String {
    var escaped = ""
    for character in printable(text, limit: .max).unicodeScalars {
        switch character {
        case "&": escaped += "&amp;"
        case "<": escaped += "&lt;"
        case ">": escaped += "&gt;"
        case "\"": escaped += "&quot;"
        case "'": escaped += "&#39;"
        default: escaped.unicodeScalars.append(character)
        }
    }
    return escaped
}
