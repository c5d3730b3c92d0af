// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A number with at most so many decimals, without zeros at its end.
func decimalText(_ value: Double, decimals: Int) -> String {
    var text = String(format: "%.\(decimals)f", value)
    guard text.contains(".") else { return text }
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
}
