// SPDX-License-Identifier: Apache-2.0

/// A JSON number as the text of a parameter: `1.0`, `1e0` and `50e-1` are integers, as in JSON Schema.
///
/// - Parameter number: a number of a JSON text.
/// - Returns: decimal digits if the number is an integer of at most 18 digits; else the number as sent.
func parameterText(ofJSONNumber number: String) -> String {
    let parts = number.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
    let exponent = parts.count == 1 ? 0 : Int(parts[1])
    guard number.contains(where: { ".eE".contains($0) }), let exponent, (-100...100).contains(exponent) else {
        return number
    }
    let isNegative = parts[0].hasPrefix("-")
    let halves = parts[0].drop { $0 == "-" }.split(separator: ".", omittingEmptySubsequences: false)
    var digits = Substring(halves.joined())
    // Digits before the decimal point.
    var whole = halves[0].count + exponent
    while digits.last == "0" { digits.removeLast() }
    while digits.first == "0" {
        digits.removeFirst()
        whole -= 1
    }
    if digits.isEmpty { return "0" }
    guard whole >= digits.count, whole <= 18 else { return number }
    return (isNegative ? "-" : "") + digits + String(repeating: "0", count: whole - digits.count)
}
