// SPDX-License-Identifier: Apache-2.0

import TensorFiles

/// A classification head in a file of its own.
package struct HeadFile: Sendable {
    private let file: SafetensorsFile

    init(_ file: SafetensorsFile) {
        self.file = file
    }

    /// The file's name without its ending; ASCII letters, digits, `.`, `_` and `-`, since it is part of a header.
    package var name: String {
        let last = file.path.split(separator: "/").last.map(String.init) ?? file.path
        let stem = last.hasSuffix(".safetensors") ? String(last.dropLast(".safetensors".count)) : last
        let allowed = stem.unicodeScalars.map { scalar -> Character in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", ".", "_", "-": Character(scalar)
            default: "_"
            }
        }
        return allowed.isEmpty ? "_" : String(allowed.prefix(64))
    }

    /// Hexadecimal SHA-256 of the file.
    package var sha256: String { file.sha256 }

    /// The category names in a head's metadata.
    ///
    /// - Parameters:
    ///   - file: its member `labels` is a JSON list of texts, or one text a line.
    ///   - classCount: as many names as there must be.
    /// - Returns: nil if the metadata has no labels.
    /// - Throws: `ModelError.labelsMalformed`, `.labelCount`.
    static func labels(in file: SafetensorsFile, classCount: Int) throws(ModelError) -> [String]? {
        guard let text = file.index.metadata["labels"] else { return nil }
        // An object such as `id2label` is not one name a line.
        guard text.first != "{" else { throw .labelsMalformed(path: file.path) }
        guard text.first == "[" else { return try labels(ofLines: text, path: file.path, classCount: classCount) }
        guard case .array(let elements)? = try? JSONParser.parse(Array(text.utf8), valueLimit: 100_001) else {
            throw .labelsMalformed(path: file.path)
        }
        var names: [String] = []
        for element in elements {
            guard case .string(let name) = element, let name = name.text else {
                throw .labelsMalformed(path: file.path)
            }
            names.append(name)
        }
        guard names.count == classCount else {
            throw .labelCount(path: file.path, expected: classCount, found: names.count)
        }
        return names
    }

    static func labels(ofLines text: String, path: String, classCount: Int) throws(ModelError) -> [String] {
        // A carriage return and a line feed are one character to Swift.
        // A byte order mark is no part of the first name.
        let text = text.hasPrefix("\u{FEFF}") ? text.dropFirst() : text[...]
        var lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }.map(String.init)
        if lines.last == "" { lines.removeLast() }
        guard lines.count == classCount else {
            throw .labelCount(path: path, expected: classCount, found: lines.count)
        }
        return lines
    }
}
