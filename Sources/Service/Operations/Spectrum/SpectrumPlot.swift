// SPDX-License-Identifier: Apache-2.0

import Foundation
import FrequencyBands

/// A spectrum as a bar chart: share of the energy, logarithmic, lowest frequencies left.
struct SpectrumPlot {
    let bands: [EnergyBand]
    let title: String

    var svg: String {
        let (width, height, left, top, bottom) = (640.0, 360.0, 64.0, 40.0, 48.0)
        let plotHeight = height - top - bottom
        let step = (width - left - 16) / Double(max(bands.count, 1))
        // Five decades below the whole: what is smaller shows as no bar.
        let decades = 5.0
        func y(_ fraction: Double) -> Double {
            let exponent = fraction > 0 ? max(log10(fraction), -decades) : -decades
            return top - exponent / decades * plotHeight
        }
        func number(_ value: Double) -> String { String(format: "%.1f", value) }
        var parts = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"640\" height=\"360\" viewBox=\"0 0 640 360\" "
                + "font-family=\"sans-serif\" font-size=\"12\" fill=\"#333\">",
            "<rect width=\"640\" height=\"360\" fill=\"#fff\"/>",
            "<text x=\"64\" y=\"24\" font-size=\"15\">\(escaped(title))</text>",
        ]
        for decade in 0...Int(decades) {
            let level = y(pow(10, -Double(decade)))
            let label = decade == 0 ? "100 %" : decade == 1 ? "10 %" : decade == 2 ? "1 %" : "10^-\(decade)"
            parts.append("<path d=\"M64 \(number(level))H624\" stroke=\"#ddd\"/>")
            parts.append("<text x=\"56\" y=\"\(number(level + 4))\" text-anchor=\"end\">\(label)</text>")
        }
        for (index, band) in bands.enumerated() {
            let barTop = y(band.fraction)
            let x = left + Double(index) * step
            parts.append(
                "<rect x=\"\(number(x + step * 0.1))\" y=\"\(number(barTop))\" width=\"\(number(step * 0.8))\" "
                    + "height=\"\(number(height - bottom - barTop))\" fill=\"#3b6fb6\">"
                    + "<title>band \(index): \(String(format: "%.4g", band.fraction * 100)) %</title></rect>"
            )
        }
        parts.append("<text x=\"344\" y=\"344\" text-anchor=\"middle\">frequency band, lowest first</text></svg>\n")
        return parts.joined(separator: "\n")
    }

    private func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
    }
}
