// SPDX-License-Identifier: Apache-2.0

import CEmbedded
import Yams

/// The files that are embedded in the binary.
enum Documents {
    static let openAPI = bytes(uae_openapi_yaml())
    static let page = Page.file(bytes(uae_page_html()))

    /// The photographs that the page offers, by path.
    static let samples: [String: EmbeddedFile] = {
        let files = (0..<uae_sample_count).map(uae_sample).map { file in
            // They change with the binary alone, and the tag says when.
            let sample = EmbeddedFile(bytes(file), type: "image/jpeg", caching: "public, max-age=86400")
            return ("/samples/" + String(cString: file.name), sample)
        }
        return Dictionary(uniqueKeysWithValues: files)
    }()

    /// `openapi.yaml` as JSON, converted at the first request.
    static let openAPIAsJSON: [UInt8] = {
        guard let node = try? Yams.compose(yaml: String(decoding: openAPI, as: UTF8.self)) else { return [] }
        return json(node).text
    }()

    private static func bytes(_ file: uae_embedded_file) -> [UInt8] {
        [UInt8](UnsafeBufferPointer(start: file.start, count: file.size))
    }

    private static func json(_ node: Node) -> JSONValue {
        switch node {
        case .mapping(let mapping): return .object(mapping.map { ($0.key.string ?? "", json($0.value)) })
        case .sequence(let sequence): return .array(sequence.map(json))
        case .alias: return .null
        case .scalar(let scalar):
            // A quoted scalar is a string, whatever it looks like.
            guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
            if let integer = node.int { return .integer(integer) }
            if let number = node.float { return .number(number) }
            if scalar.string == "true" || scalar.string == "false" { return .bool(scalar.string == "true") }
            return scalar.string == "null" || scalar.string.isEmpty ? .null : .string(scalar.string)
        }
    }
}
