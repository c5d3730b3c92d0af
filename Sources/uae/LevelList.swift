// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPWire

/// The levels of a list in `keep`, each of which has a file of its own.
struct LevelList {
    /// Without repetitions, whose files would be the same.
    let levels: [Int]

    /// - Returns: nil if `keep` is no list, or all levels are on one sheet.
    init?(_ parameters: [(name: String, value: String)]) {
        func value(_ name: String) -> String? { parameters.last { $0.name == name }?.value }
        guard let text = value("keep"), text.contains(where: { "[,".contains($0) }), value("layout") != "sheet" else {
            return nil
        }
        var levels: [Int] = []
        let list = text.hasPrefix("[") && text.hasSuffix("]") ? text.dropFirst().dropLast() : text[...]
        for part in list.split(separator: ",", omittingEmptySubsequences: false) {
            // What is wrong with a list is the operation's to say.
            guard let level = Int(part.drop { $0 == " " }) else { return nil }
            if !levels.contains(level) { levels.append(level) }
        }
        if levels.isEmpty { return nil }
        self.levels = levels
    }

    /// The parameters of a request for some of the levels.
    ///
    /// - Parameters:
    ///   - all: the parameters for all levels.
    ///   - places: the places of those levels in ``levels``.
    /// - Returns: the same with another list.
    func parameters(
        _ all: [(name: String, value: String)],
        for places: [Int]
    ) -> [(name: String, value: String)] {
        let list = places.map { String(levels[$0]) }.joined(separator: ",")
        return all.filter { $0.name != "keep" } + [("keep", "[\(list)]")]
    }

    /// The images of a JSON response, in the order in which their levels were asked for.
    ///
    /// - Returns: the bytes of each file, and PSNR and SSIM as the header `UAE-Quality` has them; nil if it is no such
    ///   response.
    static func files(of response: Response) -> [(bytes: [UInt8], quality: String)]? {
        let document = (try? JSONSerialization.jsonObject(with: Data(response.body))) as? [String: Any]
        let item = (document?["items"] as? [[String: Any]])?.first
        guard let levels = item?["levels"] as? [[String: Any]] else { return nil }
        var files: [(bytes: [UInt8], quality: String)] = []
        for level in levels {
            guard let text = level["data_b64"] as? String, let data = Data(base64Encoded: text) else { return nil }
            files.append(([UInt8](data), (level["quality"] as? [String: Any]).map(header) ?? ""))
        }
        return files
    }

    /// The PSNR of equal images is null in JSON.
    private static func header(_ quality: [String: Any]) -> String {
        let psnr = (quality["psnr"] as? Double).map { String(format: "%.2f", $0) } ?? "inf"
        let ssim = String(format: "%.4f", quality["ssim"] as? Double ?? 0)
        return "psnr=\(psnr), ssim=\(ssim)"
    }
}
