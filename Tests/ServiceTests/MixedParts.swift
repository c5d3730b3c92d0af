// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The bytes of a file, for comparison: of arrays that differ, the testing library would compute the shortest edit, which
/// for images takes minutes.
struct FileBytes: Equatable, CustomStringConvertible {
    let bytes: [UInt8]

    var description: String { "\(bytes.count) bytes" }
}

extension TestClient.Response {
    var file: FileBytes { FileBytes(bytes: body) }

    /// A part of a `multipart/mixed` response.
    struct Part {
        /// By their names in lower case.
        let fields: [String: String]
        let body: [UInt8]

        var file: FileBytes { FileBytes(bytes: body) }

        /// The id of its item.
        var name: String? {
            fields["content-disposition"]?.split(separator: "\"").dropFirst().first.map(String.init)
        }
    }

    /// The parts, read by their `Content-Length`.
    ///
    /// - Throws: `TestClient.Failure` where the body is not exactly its parts.
    func parts() throws -> [Part] {
        guard let boundary = fields["content-type"]?.components(separatedBy: "boundary=").last else {
            throw TestClient.Failure(what: "no boundary")
        }
        var rest = body[...]
        func take(_ text: String) -> Bool {
            guard rest.starts(with: text.utf8) else { return false }
            rest = rest.dropFirst(text.utf8.count)
            return true
        }
        var parts: [Part] = []
        while take("--\(boundary)\r\n") {
            guard let end = rest.firstRange(of: Array("\r\n\r\n".utf8)) else {
                throw TestClient.Failure(what: "no head of part")
            }
            var fields: [String: String] = [:]
            for line in String(decoding: rest[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n") {
                let halves = line.components(separatedBy: ": ")
                fields[halves[0].lowercased()] = halves.dropFirst().joined(separator: ": ")
            }
            rest = rest[end.upperBound...]
            guard let count = fields["content-length"].flatMap({ Int($0) }), count <= rest.count else {
                throw TestClient.Failure(what: "no length of part")
            }
            parts.append(Part(fields: fields, body: Array(rest.prefix(count))))
            rest = rest.dropFirst(count)
            guard take("\r\n") else { throw TestClient.Failure(what: "a part is longer than its length") }
        }
        guard take("--\(boundary)--\r\n"), rest.isEmpty else { throw TestClient.Failure(what: "no end of parts") }
        return parts
    }
}
