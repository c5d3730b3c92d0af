// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import HTTPWire
import Service
import TensorFiles

extension FuzzTarget {
    /// A small model with everything that requests are checked against; see ``prepare()``.
    nonisolated(unsafe) private static var session: OfflineSession?

    /// Loads the model of the chosen target.
    ///
    /// - Throws: `ServiceError` if the fixture is not below the working folder.
    static func prepare() throws {
        guard chosen == .request else { return }
        var configuration = ServiceConfiguration()
        configuration.model = "Tests/Fixtures/data/golden/dinov2/model"
        configuration.threads = 1
        configuration.maxClientItems = 8
        configuration.maxBodyBytes = 1 << 16
        configuration.maxImagePixels = 1 << 18
        session = try OfflineSession(configuration)
    }

    /// A request's lines, `TARGET`, `CONTENT-TYPE` and `ACCEPT`, and its body: read as the server reads it, down to the
    /// tasks that its engine would get.
    static func request(_ bytes: UnsafeRawBufferPointer) {
        let parts = bytes.split(separator: 0x0A, maxSplits: 3, omittingEmptySubsequences: false).map(Array.init)
        guard parts.count == 4 else { return }
        let outcome = outcome(target: parts[0], type: parts[1], accept: parts[2], body: parts[3])
        // In JSON, a file means what it means by itself. Not compared: what JSON or a form may be by itself, and
        // parameters that depend on the body's length or on how it came.
        let text = String(decoding: parts[0], as: UTF8.self).lowercased()
        let isPlain = !["%", "shape", "on_error", "format", "quality"].contains(where: text.contains)
        let isForm = String(decoding: parts[1], as: UTF8.self).lowercased().contains("multipart")
        let marked = parts[3].starts(with: [0xEF, 0xBB, 0xBF])
        let isJSON =
            parts[3].dropFirst(marked ? 3 : 0).first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } == UInt8(ascii: "{")
        guard isPlain, !isForm, !isJSON, !parts[3].isEmpty, parts[2].isEmpty, let outcome else { return }
        let wrapped = "{\"inputs\": [{\"b64\": \"\(Data(parts[3]).base64EncodedString())\"}]}"
        let other = Self.outcome(target: parts[0], type: parts[1], accept: [], body: Array(wrapped.utf8))
        precondition(other == outcome, "\(outcome) by itself, \(other ?? "nothing") in JSON")
    }

    /// How many tasks a request makes, or its problem's slug; nil: its head is refused or its path is no operation's.
    private static func outcome(target: [UInt8], type: [UInt8], accept: [UInt8], body: [UInt8]) -> String? {
        guard let session else { preconditionFailure("not prepared") }
        var bytes = Array("POST ".utf8) + target + Array(" HTTP/1.1\r\nHost: a\r\n".utf8)
        for (name, value) in [("Content-Type", type), ("Accept", accept)] where !value.isEmpty {
            bytes += Array("\(name): ".utf8) + value + Array("\r\n".utf8)
        }
        bytes += Array("Content-Length: \(body.count)\r\n\r\n".utf8)
        var parser = HTTP1Parser()
        let step = bytes.withUnsafeBytes { try? parser.next($0) }
        guard let step, case .head(let head) = step.event else { return nil }
        let now = ContinuousClock.now
        do throws(Problem) {
            let request = Request(head: head.request, body: body, headAt: now, bodyAt: now)
            return try session.plannedItemCount(of: request).map { "\($0) tasks" }
        } catch {
            // A problem is a well-formed document, whatever text of the request it repeats.
            let response = error.response(requestID: "r")
            precondition((400...599).contains(response.status) && (try? JSONParser.parse(response.body)) != nil)
            precondition(response.body.count <= 8192 && response.body.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
            precondition(error.kind != .internalError, error.detail)
            return error.kind.rawValue
        }
    }
}
