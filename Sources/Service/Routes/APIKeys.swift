// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import TensorFiles

/// The keys that callers may send as `Authorization: Bearer KEY`.
struct APIKeys: Sendable {
    /// SHA-256 of each key: digests of one length compare in constant time, whatever their keys' lengths.
    private let digests: [[UInt8]]

    /// - Parameter path: a text file, one key a line; empty lines and lines that start with `#` do not count.
    /// - Throws: `ServiceError.unreadableKeys`, `.noKeys`.
    init(path: String) throws(ServiceError) {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { throw .unreadableKeys(path: path) }
        let keys = text.split(whereSeparator: \.isNewline).filter { !$0.isEmpty && !$0.hasPrefix("#") }
        guard !keys.isEmpty else { throw .noKeys(path: path) }
        digests = keys.map { Self.digest(String($0)) }
    }

    /// - Throws: a `Problem` of kind `unauthorized`.
    func check(_ authorization: String?) throws(Problem) {
        if let authorization, authorization.lowercased().hasPrefix("bearer ") {
            let given = Self.digest(String(authorization.dropFirst(7)))
            // Every key is compared in full, so that the time tells nothing.
            var isKnown = false
            for digest in digests {
                let difference = zip(digest, given).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
                isKnown = difference == 0 || isKnown
            }
            if isKnown { return }
        }
        var problem = Problem(.unauthorized, "Send 'Authorization: Bearer KEY' with a key that is known here.")
        problem.fields[.wwwAuthenticate] = "Bearer realm=\"uae\""
        throw problem
    }

    private static func digest(_ key: String) -> [UInt8] {
        Array(key.utf8).withUnsafeBytes { Array(SHA256.hexadecimal(of: $0).utf8) }
    }
}
