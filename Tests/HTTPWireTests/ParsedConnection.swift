// SPDX-License-Identifier: Apache-2.0

import HTTPWire

/// What a parser makes of one connection's bytes.
struct ParsedConnection {
    var heads: [HTTP1Head] = []
    var bodies: [[UInt8]] = []
    /// Requests that came to their end.
    var completed = 0
    var refusal: HTTPRefusal?

    /// Parses bytes piece by piece, as they arrive.
    init(pieces: [[UInt8]], limits: HTTP1Limits = HTTP1Limits()) {
        var parser = HTTP1Parser(limits: limits)
        var input: [UInt8] = []
        for piece in pieces {
            input += piece
            do throws(HTTPRefusal) {
                try read(&input, with: &parser)
            } catch {
                refusal = error
                return
            }
        }
    }

    init(_ text: String, limits: HTTP1Limits = HTTP1Limits()) {
        self.init(pieces: [Array(text.utf8)], limits: limits)
    }

    private mutating func read(_ input: inout [UInt8], with parser: inout HTTP1Parser) throws(HTTPRefusal) {
        while true {
            var result: Result<(event: HTTP1Parser.Event, consumed: Int), HTTPRefusal>?
            input.withUnsafeBytes { bytes in
                do throws(HTTPRefusal) {
                    result = .success(try parser.next(bytes))
                } catch {
                    result = .failure(error)
                }
            }
            guard let (event, consumed) = try result?.get() else { return }
            switch event {
            case .head(let head):
                heads.append(head)
                bodies.append([])
            case .body(let range): bodies[bodies.count - 1] += input[range]
            case .end: completed += 1
            case .needsMore:
                input.removeFirst(consumed)
                return
            }
            input.removeFirst(consumed)
        }
    }
}

/// A GET with fields of its own, complete.
func get(_ fields: String...) -> String {
    "GET / HTTP/1.1\r\nHost: a\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n"
}

/// A chunked POST with these bytes after its head.
func chunked(_ body: String) -> String {
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body
}
