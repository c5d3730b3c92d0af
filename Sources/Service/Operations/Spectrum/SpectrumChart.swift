// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Spectra as an SVG chart: the share of the energy in each band on a logarithmic axis, lowest frequencies left.
///
/// The first series is drawn as bars and the second as a stepped line, so that they differ without colour. Nothing in the
/// file depends on the locale, and nothing has an `id`, which several charts in one page would share.
package struct SpectrumChart {
    /// One spectrum.
    package struct Series {
        /// What it describes, such as `latent`.
        let name: String
        /// Share of the energy in each band, 0...1.
        let fractions: [Double]
        /// The edges of the bands, one more than there are bands.
        let edges: [String]
        /// Names the bands one by one, such as `coefficients 0-19`.
        let bandNames: [String]

        package init(name: String, fractions: [Double], edges: [String], bandNames: [String]) {
            self.name = name
            self.fractions = fractions
            self.edges = edges
            self.bandNames = bandNames
        }
    }

    let model: String
    /// What was measured, such as `mean of 3 images`.
    let inputs: String
    /// What the edges count.
    let edgeUnit: String
    let series: [Series]

    package init(model: String, inputs: String, edgeUnit: String, series: [Series]) {
        self.model = model
        self.inputs = inputs
        self.edgeUnit = edgeUnit
        self.series = series
        axis = EnergyAxis(series.flatMap(\.fractions))
        bandCount = max(series.map(\.fractions.count).max() ?? 0, 1)
        let hasLegend = series.count > 1 || axis.hidesSome
        top = hasLegend ? 76 : 56
        bottom = Self.height - 36 - 16 * Double(edgeRows.count)
    }

    private static let (width, height, left, right) = (640.0, 360.0, 92.0, 612.0)
    private static let colours = (bars: "#3b6fb6", line: "#a33c00", text: "#333", grid: "#ddd")

    private let axis: EnergyAxis
    private let bandCount: Int
    private let top: Double
    private var bottom = 0.0

    /// The width of a band.
    private var step: Double { (Self.right - Self.left) / Double(bandCount) }

    /// The series whose edges are written; one stands for all that share them.
    private var edgeRows: [Series] {
        guard let first = series.first else { return [] }
        return series.allSatisfy { $0.edges == first.edges } ? [first] : series
    }

    /// The file.
    package var svg: String {
        var parts = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"640\" height=\"360\" viewBox=\"0 0 640 360\" role=\"img\" "
                + "font-family=\"sans-serif\" font-size=\"12\" fill=\"\(Self.colours.text)\">",
            "<title>\(xmlText("\(heading(modelLimit: 200)), \(inputs)"))</title>",
            "<desc>\(xmlText(description))</desc>",
            "<rect width=\"640\" height=\"360\" fill=\"#fff\"/>",
            "<text x=\"16\" y=\"24\" font-size=\"15\">\(xmlText(heading(modelLimit: 36)))</text>",
            "<text x=\"16\" y=\"43\">\(xmlText(inputs))</text>",
        ]
        parts += legend + grid
        for (index, series) in series.enumerated() {
            parts += index == 0 ? bars(series) : line(series)
            parts += belowMarks(series, isFilled: index == 0)
        }
        parts += edges + hoverTexts
        return parts.joined(separator: "\n") + "\n</svg>\n"
    }

    // MARK: Words

    private func heading(modelLimit: Int) -> String {
        let name = model.count > modelLimit ? model.prefix(modelLimit) + "…" : model[...]
        return "\(name): energy of \(series.map(\.name).joined(separator: " and "))"
    }

    private var description: String {
        let shares = series.map { series in
            "\(series.name): "
                + zip(series.bandNames, series.fractions).map { "\($0) \(percent($1))" }.joined(separator: ", ")
        }
        return "Share of the energy by frequency, lowest first. " + shares.joined(separator: ". ") + "."
    }

    private func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }

    private func number(_ value: Double) -> String { String(format: "%.1f", value) }

    // MARK: Parts

    private func y(_ fraction: Double) -> Double {
        bottom - axis.height(of: fraction) * (bottom - top)
    }

    private func x(_ edge: Int) -> Double { Self.left + Double(edge) * step }

    private var legend: [String] {
        var parts: [String] = []
        if series.count > 1 {
            parts.append("<rect x=\"92\" y=\"53\" width=\"12\" height=\"10\" fill=\"\(Self.colours.bars)\"/>")
            parts.append("<text x=\"110\" y=\"62\">\(xmlText(series[0].name)) (bars)</text>")
            parts.append("<path d=\"M204 58H228\" stroke=\"\(Self.colours.line)\" stroke-width=\"2\"/>")
            parts.append("<text x=\"234\" y=\"62\">\(xmlText(series[1].name)) (line)</text>")
        }
        if axis.hidesSome {
            parts.append(mark(x: 424, y: 62, width: 8, colour: Self.colours.text, isFilled: true))
            parts.append("<text x=\"434\" y=\"62\">below \(axis.label(axis.decades)), but not 0</text>")
        }
        return parts
    }

    private var grid: [String] {
        var parts: [String] = []
        for decade in 0...axis.decades {
            let level = top + (bottom - top) * Double(decade) / Double(axis.decades)
            parts.append("<path d=\"M92 \(number(level))H612\" stroke=\"\(Self.colours.grid)\"/>")
            parts.append(
                "<text x=\"84\" y=\"\(number(level + 4))\" text-anchor=\"end\">\(axis.label(decade))</text>"
            )
        }
        if axis.isEmpty {
            let middle = number(top + (bottom - top) / 4)
            parts.append("<text x=\"352\" y=\"\(middle)\" text-anchor=\"middle\">no energy: every value is 0</text>")
        }
        return parts
    }

    /// A bar that is not 0 has at least two pixels.
    private func bars(_ series: Series) -> [String] {
        // Narrow bars touch: gaps of a fraction of a pixel would make stripes.
        let gap = step >= 8 ? min(step * 0.1, 6) : 0
        let bars = series.fractions.enumerated().compactMap { index, fraction -> String? in
            guard fraction > 0, !axis.isBelow(fraction) else { return nil }
            let barTop = min(y(fraction), bottom - 2)
            // Rounded before it is subtracted, so that touching bars share an edge.
            let (start, end) = (rounded(x(index) + gap), rounded(x(index + 1) - gap))
            return "<rect x=\"\(number(start))\" y=\"\(number(barTop))\" "
                + "width=\"\(number(max(end - start, 1)))\" height=\"\(number(bottom - barTop))\" "
                + "fill=\"\(Self.colours.bars)\"/>"
        }
        return ["<g shape-rendering=\"\(gap > 0 ? "auto" : "crispEdges")\">"] + bars + ["</g>"]
    }

    /// A step for each band, with gaps where there is nothing on the axis.
    private func line(_ series: Series) -> [String] {
        var path = ""
        var isOpen = false
        for (index, fraction) in series.fractions.enumerated() {
            guard fraction > 0, !axis.isBelow(fraction) else {
                isOpen = false
                continue
            }
            let level = number(min(y(fraction), bottom - 1))
            path += isOpen ? "V\(level)" : "M\(number(x(index))) \(level)"
            path += "H\(number(x(index + 1)))"
            isOpen = true
        }
        if path.isEmpty { return [] }
        // White around it, so that it shows on a bar too.
        return [("#fff", 4), (Self.colours.line, 2)].map { colour, width in
            "<path d=\"\(path)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"\(width)\"/>"
        }
    }

    /// Marks bands below the axis; those of a line are hollow.
    private func belowMarks(_ series: Series, isFilled: Bool) -> [String] {
        let width = min(8, max(step, 1))
        return series.fractions.enumerated().compactMap { index, fraction in
            guard axis.isBelow(fraction) else { return nil }
            let middle = x(index) + step * (self.series.count == 1 ? 0.5 : isFilled ? 0.35 : 0.65)
            return mark(
                x: middle,
                y: bottom,
                width: width,
                colour: isFilled ? Self.colours.bars : Self.colours.line,
                isFilled: isFilled
            )
        }
    }

    /// A triangle that points down to `(x, y)`.
    private func mark(x: Double, y: Double, width: Double, colour: String, isFilled: Bool) -> String {
        let paint = isFilled ? "fill=\"\(colour)\"" : "fill=\"#fff\" stroke=\"\(colour)\""
        return "<path d=\"M\(number(x)) \(number(y))l\(number(-width / 2)) -7h\(number(width))z\" \(paint)/>"
    }

    private var edges: [String] {
        var parts: [String] = []
        let rows = edgeRows
        for (row, series) in rows.enumerated() {
            let y = number(bottom + 18 + 16 * Double(row))
            if rows.count > 1 {
                parts.append("<text x=\"74\" y=\"\(y)\" text-anchor=\"end\">\(xmlText(series.name))</text>")
            }
            for edge in shownEdges(series.edges) {
                let place = number(x(edge))
                if row == 0 {
                    parts.append("<path d=\"M\(place) \(number(bottom))v4\" stroke=\"\(Self.colours.text)\"/>")
                }
                let label = xmlText(series.edges[edge])
                parts.append("<text x=\"\(place)\" y=\"\(y)\" text-anchor=\"middle\">\(label)</text>")
            }
        }
        parts.append("<path d=\"M92 \(number(bottom))H612\" stroke=\"\(Self.colours.text)\"/>")
        parts.append("<text x=\"352\" y=\"352\" text-anchor=\"middle\">\(xmlText(edgeUnit))</text>")
        return parts
    }

    /// The edges whose numbers do not touch each other: regular ones, and the last.
    private func shownEdges(_ edges: [String]) -> [Int] {
        let room = Double(edges.map(\.count).max() ?? 0) * 7 + 8
        let strides = [1, 2, 5, 10, 20, 25, 50, 100, 200, 500]
        let stride = strides.first { Double($0) * step >= room } ?? edges.count
        let last = edges.count - 1
        return Swift.stride(from: 0, to: last, by: stride).filter { $0 == 0 || x(last) - x($0) >= room } + [last]
    }

    /// The values of each band where the pointer is.
    private var hoverTexts: [String] {
        (0..<bandCount).map { band in
            let values = series.filter { band < $0.fractions.count }.map { series in
                let name = self.series.count > 1 ? "\(series.name), " : ""
                return "\(name)\(series.bandNames[band]): \(percent(series.fractions[band]))"
            }
            return "<rect x=\"\(number(x(band)))\" y=\"\(number(top))\" width=\"\(number(step))\" "
                + "height=\"\(number(bottom - top))\" fill=\"none\" pointer-events=\"all\">"
                + "<title>\(xmlText(values.joined(separator: "; ")))</title></rect>"
        }
    }
}
