// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A logarithmic axis of shares, in percent from 100 % down to the decade of the smallest share.
struct EnergyAxis {
    /// Powers of ten on the axis; more would leave no room for the differences that are looked for.
    let decades: Int
    /// The share at the lower end.
    private let lowest: Double
    /// Whether some share is below the axis.
    let hidesSome: Bool
    /// Whether there is nothing to show.
    let isEmpty: Bool

    init(_ fractions: [Double]) {
        let smallest = fractions.filter { $0 > 0 }.min()
        isEmpty = smallest == nil
        // A quarter of a decade below the smallest, so that its bar has some height.
        let needed = (0.25 - log10(smallest ?? 1)).rounded(.up)
        decades = Int(min(max(needed, 2), 8))
        lowest = pow(10, -Double(decades))
        hidesSome = (smallest ?? 1) < lowest
    }

    /// Whether a share is not 0 and below the axis.
    func isBelow(_ fraction: Double) -> Bool { fraction > 0 && fraction < lowest }

    /// 1 for all the energy, 0 at the lower end and for nothing.
    func height(of fraction: Double) -> Double {
        guard fraction > 0 else { return 0 }
        return min(max(1 + log10(fraction) / Double(decades), 0), 1)
    }

    /// The share that many decades below the whole.
    func label(_ decade: Int) -> String {
        let digits = decade <= 2 ? "1" + String(repeating: "0", count: 2 - decade) : ""
        return (decade > 2 ? "0." + String(repeating: "0", count: decade - 3) + "1" : digits) + " %"
    }
}

/// A share in percent with four significant digits, such as `0.2687 %`.
func percent(_ fraction: Double) -> String {
    let value = fraction * 100
    guard value > 0 else { return "0 %" }
    guard value >= 1e-6 else { return String(format: "%.3g %%", value) }
    let decimals = min(max(3 - Int(log10(value).rounded(.down)), 0), 10)
    return decimalText(value, decimals: decimals) + " %"
}
