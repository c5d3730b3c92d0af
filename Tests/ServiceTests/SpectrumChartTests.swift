// SPDX-License-Identifier: Apache-2.0

import Fixtures
import Foundation
import FoundationXML
import Service
import Testing

extension ServiceTests {
    /// `/spectrum` as a chart.
    @Suite struct SpectrumChartTests {
        private func chart(_ fractions: [[Double]], model: String = "model", inputs: String = "1 image") -> Drawing {
            let series = fractions.enumerated().map { index, fractions in
                SpectrumChart.Series(
                    name: ["latent", "image"][index],
                    fractions: fractions,
                    edges: (0...fractions.count).map { String($0 * (index + 1)) },
                    bandNames: fractions.indices.map { "coefficient \($0)" }
                )
            }
            return Drawing(SpectrumChart(model: model, inputs: inputs, edgeUnit: "coefficients", series: series).svg)
        }

        private static let hostile: [[Double]] = [
            [1], [0], [0, 0, 0], [1, .leastNonzeroMagnitude], [0.5, 1e-9, 0, 0.5 - 1e-9],
            [Double](repeating: 1 / 256, count: 256),
            (0..<196).map { pow(0.9, Double($0)) / 10 }, (0..<1024).map { pow(0.5, Double($0) + 1) },
        ]

        @Test(arguments: hostile) func everyShapeIsDrawnInsideThePage(fractions: [Double]) {
            for drawing in [chart([fractions]), chart([fractions, fractions.reversed()])] {
                #expect(drawing.isWellFormed)
                #expect(!drawing.svg.contains("nan") && !drawing.svg.contains("inf"))
                #expect(drawing.svg.utf8.count < 4000 + 1000 * fractions.count)
                for (element, attributes) in drawing.elements {
                    for (name, limit) in [("x", 640.0), ("y", 360), ("width", 640), ("height", 360)] {
                        guard let text = attributes[name] else { continue }
                        let value = Double(text)
                        #expect(value != nil && (0...limit).contains(value ?? -1), "\(element) \(name)=\(text)")
                    }
                }
                // Every band has its number for the pointer, and all of them for screen readers.
                let hovered = drawing.elements.count { $0.attributes["pointer-events"] == "all" }
                #expect(hovered == fractions.count)
                #expect(drawing.text("desc").contains("coefficient \(fractions.count - 1) "))
            }
        }

        @Test func theAxisHasOneUnitAllTheWay() {
            let shallow = chart([[0.9, 0.1]]).axisLabels
            #expect(shallow == ["100 %", "10 %", "1 %"])
            let deep = chart([[1, 1e-5]]).axisLabels
            #expect(deep == ["100 %", "10 %", "1 %", "0.1 %", "0.01 %", "0.001 %", "0.0001 %"])
            // Within bounds.
            let deepest = chart([[1, 1e-30]])
            #expect(deepest.axisLabels.last == "0.000001 %" && deepest.axisLabels.count == 9)
            #expect(deepest.svg.contains("below 0.000001 %, but not 0"))
            #expect(chart([[0, 0]]).axisLabels.count == 3)
        }

        @Test func aSmallShareShowsAndNothingDoesNot() {
            for fractions in [[0.999, 1.0001e-3, 0], [1, 1.0e-8, 0]] {
                let bars = chart([fractions]).bars
                #expect(bars.count == 2 && bars.allSatisfy { $0.height >= 2 }, "\(fractions)")
            }
            // Below the axis: a mark, no bar.
            let hidden = chart([[1, 1e-12, 0]])
            #expect(hidden.bars.count == 1 && hidden.marks == 2, "one mark for the band, one for its legend")
            #expect(hidden.svg.contains("1e-10 %"))
            #expect(chart([[0, 0]]).svg.contains("no energy"))
        }

        @Test func barsGrowWithTheShareAndFillTheirBands() throws {
            let bars = chart([[0.5, 0.3, 0.15, 0.05]]).bars
            #expect(bars.map(\.height) == bars.map(\.height).sorted(by: >) && Set(bars.map(\.height)).count == 4)
            let many = chart([Self.hostile[5]]).bars
            #expect(many.count == 256)
            for (bar, next) in zip(many, many.dropFirst()) { #expect(abs(bar.x + bar.width - next.x) < 0.05) }
        }

        @Test(arguments: [1, 2, 10, 64, 196, 256, 1024]) func edgesDoNotTouchEachOther(count: Int) throws {
            let drawing = chart([[Double](repeating: 1 / Double(count), count: count)])
            let edges = drawing.edges
            #expect(edges.first?.text == "0" && edges.last?.text == String(count))
            for (edge, next) in zip(edges, edges.dropFirst()) {
                #expect(next.x - edge.x >= 7 * Double(next.text.count), "\(edge) \(next)")
            }
            // As many as there is room for.
            #expect(edges.count >= min(count + 1, 8))
        }

        @Test func twoSeriesDifferWithoutColour() {
            let both = chart([[0.9, 0.1], [0.2, 0.8]])
            #expect(both.bars.count == 2)
            #expect(both.svg.contains("latent (bars)") && both.svg.contains("image (line)"))
            let numbers = "latent: coefficient 0 90 %, coefficient 1 10 %. image: coefficient 0 20 %"
            #expect(both.text("desc").contains(numbers))
            // Their edges differ, so each has a row.
            #expect(both.edges.map(\.text) == ["0", "1", "2", "0", "2", "4"])
            #expect(!chart([[0.9, 0.1]]).svg.contains("(bars)"))
        }

        @Test func namesCannotBreakTheFile() {
            let name = "a<b>&\"c'\u{0}\u{1B}[2J\u{FFFE}\u{202E}d"
            let drawing = chart([[1]], model: name)
            #expect(drawing.isWellFormed)
            #expect(drawing.text("title").hasPrefix("a<b>&\"c'"))
            #expect(!drawing.svg.unicodeScalars.contains("\u{1B}") && !drawing.svg.unicodeScalars.contains("\u{202E}"))
            let long = chart([[1]], model: String(repeating: "n", count: 5000))
            #expect(long.svg.utf8.count < 8000)
        }

        @Test func theTitleSaysWhatWasMeasured() async throws {
            let image = try Fixtures.bytes("golden/dinov2/chelsea.png")
            let b64 = Data(image).base64EncodedString()
            try await TestService.run { client in
                func title(_ query: String, _ body: [UInt8]) async throws -> String {
                    let response = try await client.post("/spectrum?format=svg" + query, body)
                    #expect(response.status == 200, "\(response.text.prefix(300))")
                    return Drawing(response.text).text("title")
                }
                let latent = try await client.post("/encode?format=npy", image).body
                let latentB64 = Data(latent).base64EncodedString()
                func inputs(_ files: [String]) -> [UInt8] {
                    Array("{\"inputs\":[\(files.map { "{\"b64\":\"\($0)\"}" }.joined(separator: ","))]}".utf8)
                }
                #expect(try await title("", image).hasSuffix(": energy of latent, 1 image"))
                #expect(try await title("", latent).hasSuffix(": energy of latent, 1 latent"))
                #expect(try await title("&of=both", image).hasSuffix(": energy of latent and image, 1 image"))
                let three = inputs([b64, b64, latentB64])
                #expect(try await title("", three).hasSuffix("mean of 2 images and 1 latent"))
                #expect(
                    try await title("&of=image&on_error=skip", three).hasSuffix("mean of 2 images; 1 item failed")
                )
            }
        }

        @Test(arguments: ["dct", "fft"]) func bothSpectraEqualThoseOfTwoRequests(transform: String) async throws {
            let image = try Fixtures.bytes("golden/dinov2/chelsea.png")
            let b64 = Data(image).base64EncodedString()
            let two = Array("{\"inputs\":[{\"b64\":\"\(b64)\"},{\"b64\":\"\(b64)\"}]}".utf8)
            try await TestService.run { client in
                let path = "/spectrum?transform=\(transform)&bands=7&of="
                let both = try await client.post(path + "both", two).json
                #expect(both["of"] as? String == "both")
                for subject in ["latent", "image"] {
                    let one = try await client.post(path + subject, image).json
                    var expected = try #require((one["items"] as? [[String: Any]])?.first)
                    expected["id"] = nil
                    let items = try #require(both["items"] as? [[String: Any]])
                    #expect(items.count == 2 && items[1]["id"] as? String == "1")
                    let mean = both["mean"] as? [String: Any]
                    for spectrum in [items[0][subject], items[1][subject], mean?[subject]] {
                        #expect(try #require(spectrum as? NSDictionary) == expected as NSDictionary)
                    }
                }
                // A cut acts on the latent alone.
                let cut = try await client.post("/spectrum?of=both&keep=9&bands=256", image).json
                let item = try #require((cut["items"] as? [[String: Any]])?.first)
                func empty(_ subject: String) -> Int? {
                    let spectrum = item[subject] as? [String: Any]
                    return (spectrum?["bands"] as? [[String: Any]])?.count { ($0["energy"] as? Double ?? 0) < 1e-6 }
                }
                #expect(empty("latent") == 247 && empty("image") == 0)
                let latent = try await client.post("/encode?format=npy", image).body
                let refused = try await client.post("/spectrum?of=both", latent)
                #expect(refused.status == 400 && refused.json["parameter"] as? String == "of")
            }
        }
    }
}

/// An SVG file, taken apart.
private final class Drawing: NSObject, XMLParserDelegate {
    let svg: String
    private(set) var isWellFormed = false
    private(set) var elements: [(name: String, attributes: [String: String])] = []
    private var texts: [String] = []
    private var open: [Int] = []

    init(_ svg: String) {
        self.svg = svg
        super.init()
        let parser = XMLParser(data: Data(svg.utf8))
        parser.delegate = self
        isWellFormed = parser.parse()
    }

    func parser(
        _ parser: XMLParser,
        didStartElement name: String,
        namespaceURI: String?,
        qualifiedName: String?,
        attributes: [String: String]
    ) {
        open.append(elements.count)
        elements.append((name, attributes))
        texts.append("")
    }

    func parser(_ parser: XMLParser, didEndElement: String, namespaceURI: String?, qualifiedName: String?) {
        open.removeLast()
    }

    func parser(_ parser: XMLParser, foundCharacters text: String) {
        if let last = open.last { texts[last] += text }
    }

    /// The text of the first element with that name.
    func text(_ name: String) -> String {
        elements.firstIndex { $0.name == name }.map { texts[$0] } ?? ""
    }

    var axisLabels: [String] {
        elements.indices.filter { elements[$0].attributes["text-anchor"] == "end" && texts[$0].hasSuffix("%") }
            .map { texts[$0] }
    }

    /// The numbers below the bars, and where they are.
    var edges: [(x: Double, text: String)] {
        elements.indices.filter { elements[$0].attributes["text-anchor"] == "middle" && Double(texts[$0]) != nil }
            .map { (Double(elements[$0].attributes["x"] ?? "") ?? -1, texts[$0]) }
    }

    /// Without the sample in the legend.
    var bars: [(x: Double, width: Double, height: Double)] {
        elements.filter { $0.name == "rect" && $0.attributes["fill"] == "#3b6fb6" && $0.attributes["y"] != "53" }
            .map { bar in
                func number(_ name: String) -> Double { Double(bar.attributes[name] ?? "") ?? -1 }
                return (number("x"), number("width"), number("height"))
            }
    }

    /// Triangles, the sample in the legend included.
    var marks: Int { elements.count { $0.attributes["d"]?.contains("-7h") == true } }
}
