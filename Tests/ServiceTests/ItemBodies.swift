// SPDX-License-Identifier: Apache-2.0

import Foundation
import ImageCodec

/// Bodies of several items, and the images of their responses.
enum ItemBodies {
    /// A JSON request whose items are named `0`, `1` and so on, with further members such as `"keep":4`.
    static func json(_ files: [[UInt8]], _ members: String...) -> [UInt8] {
        let inputs = files.enumerated().map { index, file in
            "{\"id\":\"\(index)\",\"b64\":\"\(Data(file).base64EncodedString())\"}"
        }
        return Array("{\(([#""inputs":[\#(inputs.joined(separator: ","))]"#] + members).joined(separator: ","))}".utf8)
    }

    static let formType = [("Content-Type", "multipart/form-data; boundary=b")]

    static func form(_ files: [[UInt8]], _ parameters: (String, String)...) -> [UInt8] {
        var body: [UInt8] = []
        for (name, value) in parameters {
            body += "--b\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n".utf8
        }
        for (index, file) in files.enumerated() {
            body += "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\(index)\"\r\n\r\n".utf8
            body += file + Array("\r\n".utf8)
        }
        return body + Array("--b--\r\n".utf8)
    }
}

extension TestClient.Response {
    /// The pixels of an image.
    var pixels: [UInt8] {
        get throws {
            guard status == 200 else { throw TestClient.Failure(what: String(text.prefix(400))) }
            return try body.withUnsafeBytes { try decodeImage($0).pixels }
        }
    }

    /// The items of a JSON response.
    var items: [[String: Any]] {
        get throws {
            guard let items = json["items"] as? [[String: Any]] else {
                throw TestClient.Failure(what: String(text.prefix(400)))
            }
            return items
        }
    }
}

extension [String: Any] {
    /// The file in an item of a JSON response.
    var file: FileBytes? {
        (self["data_b64"] as? String).flatMap { Data(base64Encoded: $0) }.map { FileBytes(bytes: [UInt8]($0)) }
    }
}

/// The largest difference of two images; infinite if they differ in size.
func largestStep(_ one: [UInt8], _ other: [UInt8]) -> Int {
    guard one.count == other.count else { return .max }
    return zip(one, other).reduce(0) { max($0, abs(Int($1.0) - Int($1.1))) }
}
