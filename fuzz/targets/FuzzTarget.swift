// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HTTPWire
import ImageCodec
import TensorFiles

/// The parsers of untrusted bytes.
///
/// A target passes if it neither traps nor runs without end. Targets with two ways to the same result compare them.
enum FuzzTarget: String, CaseIterable {
    case http1, http2, target, multipart, json, npy, npz, safetensors, torch, jpeg, png, webp, request

    // Set once, before libFuzzer's one thread starts.
    nonisolated(unsafe) static var chosen = FuzzTarget.http1

    func run(_ bytes: UnsafeRawBufferPointer) {
        switch self {
        case .http1: Self.http1(bytes)
        case .http2: Self.http2(bytes)
        case .target: Self.target(String(decoding: bytes, as: UTF8.self))
        case .multipart: Self.multipart(Array(bytes))
        case .json: Self.json(Array(bytes))
        case .npy: _ = try? readNPY(bytes, maximumElements: 1 << 16)
        case .npz: Self.npz(bytes)
        case .safetensors: Self.safetensors(bytes)
        case .torch: Self.torch(bytes)
        case .jpeg: Self.image([0xFF, 0xD8, 0xFF] + bytes)
        case .request: Self.request(bytes)
        case .png: Self.image([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + bytes)
        case .webp: Self.webp(bytes)
        }
    }

    /// The meaning of a connection's bytes, as text.
    private static func meaning(of bytes: [UInt8], piece: Int) -> String {
        var parser = HTTP1Parser()
        var text = ""
        var body = 0
        var start = 0
        var end = 0
        while true {
            do throws(HTTPRefusal) {
                var step: (event: HTTP1Parser.Event, consumed: Int)?
                var refusal: HTTPRefusal?
                bytes[start..<end].withUnsafeBytes { rest in
                    do throws(HTTPRefusal) { step = try parser.next(rest) } catch { refusal = error }
                }
                if let refusal { throw refusal }
                guard let step else { return text }
                precondition(step.consumed <= end - start)
                start += step.consumed
                switch step.event {
                case .needsMore:
                    if end == bytes.count { return text + (parser.isIdle ? "idle" : "more") }
                    end = min(bytes.count, end + piece)
                case .head(let head): text += "\(head.request.method) \(head.request.path) \(head.request.fields) "
                case .body(let range): body += range.count
                case .end:
                    text += "body \(body) "
                    body = 0
                }
            } catch {
                var head = parser.partialHead
                if error.isOfRequestLine {
                    var refused = HTTP1RefusedHead(limits: HTTP1Limits())
                    while start < bytes.count, !refused.read(bytes[start..<min(bytes.count, start + piece)]) {
                        start += piece
                    }
                    head = refused.head
                }
                return text + "refused \(error.status) \(head?.path ?? "") \(head?.fields ?? [:])"
            }
        }
    }

    private static func http1(_ bytes: UnsafeRawBufferPointer) {
        let bytes = Array(bytes)
        // The bytes mean the same however the network splits them.
        precondition(meaning(of: bytes, piece: bytes.count + 1) == meaning(of: bytes, piece: 1))
    }

    private static func http2(_ bytes: UnsafeRawBufferPointer) {
        let now = ContinuousClock.now
        guard let session = try? HTTP2Session(limits: HTTP2Limits(), now: now, upgrade: nil) else { return }
        func give(_ bytes: UnsafeRawBufferPointer) {
            session.receive(bytes, now: now)
            var events = session.takeEvents()
            while !events.isEmpty {
                for event in events {
                    switch event {
                    case .end(let id), .refused(let id, _, _):
                        let response = Response(status: 200, body: [UInt8](repeating: 0, count: 1000))
                        session.respond(response, on: id, date: "Sun, 06 Nov 1994 08:49:37 GMT", now: now)
                    case .body(let id, let bytes): session.consume(bytes.count, on: id, reopensStream: true)
                    case .respondedEarly(let id): session.reset(id, .noError)
                    case .head, .closed: break
                    }
                }
                events = session.takeEvents()
            }
            while !session.output(atMost: 1 << 16, now: now).isEmpty {}
        }
        // The preface and empty SETTINGS, so that the fuzzer need not find them.
        let start = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]
        start.withUnsafeBytes(give)
        // In two pieces: the first byte is the position of the split.
        guard let first = bytes.first else { return }
        let cut = min(bytes.count, 1 + Int(first))
        give(UnsafeRawBufferPointer(rebasing: bytes[1..<cut]))
        give(UnsafeRawBufferPointer(rebasing: bytes[cut...]))
    }

    private static func target(_ text: String) {
        for method in ["GET", "OPTIONS"] {
            guard let target = try? RequestTarget(text, method: method) else { continue }
            precondition(!target.path.utf8.contains(0))
        }
        _ = MediaType(parsing: text)
        _ = AcceptHeader(parsing: text).quality(of: "image/png")
    }

    private static func multipart(_ body: [UInt8]) {
        guard let parts = try? parseMultipart(body, boundary: "b") else { return }
        for part in parts { precondition(part.body.lowerBound >= 0 && part.body.upperBound <= body.count) }
    }

    private static func json(_ body: [UInt8]) {
        _ = try? JSONParser.parse(body)
        let shown = printable(String(decoding: body, as: UTF8.self), limit: 64)
        precondition(shown.utf8.count <= 67 && shown.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
    }

    private static func npz(_ bytes: UnsafeRawBufferPointer) {
        let limit = 1 << 16
        var inflatableBytes = limit
        guard let array = try? readNPZ("latents", in: bytes, maximumElements: limit, inflatableBytes: &inflatableBytes)
        else { return }
        precondition((0...limit).contains(inflatableBytes))
        precondition(array.values.count == elementCount(array.shape) && array.values.count <= limit)
    }

    private static func safetensors(_ bytes: UnsafeRawBufferPointer) {
        guard let index = try? SafetensorsIndex(bytes, headerLimit: 1 << 16) else { return }
        for (name, entry) in index.entries {
            precondition(index.dataStart + entry.byteRange.upperBound <= bytes.count)
            _ = try? readSafetensorsTensor(named: name, in: bytes, maximumElements: 1 << 16)
        }
    }

    /// A RIFF header with the true size, so that the fuzzer need not find it; then the kind of any file's bytes.
    private static func webp(_ bytes: UnsafeRawBufferPointer) {
        let size = UInt32(bytes.count + 4)
        let length = [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: size >> $0) }
        image(Array("RIFF".utf8) + length + Array("WEBP".utf8) + bytes)
        _ = ForeignFormat.sniff(Array(bytes)[...])
    }

    private static func image(_ file: [UInt8]) {
        file.withUnsafeBytes { bytes in
            let limits = ImageLimits(maximumPixels: 1 << 18, maximumSide: 4096)
            guard let whole = try? decodeImage(bytes, limits: limits) else { return }
            precondition(whole.pixels.count == 3 * whole.width * whole.height)
            let cropped = try? decodeCenterCropped(bytes, to: 32, limits: limits)
            precondition(cropped == whole.centerCropped(to: 32))
        }
    }
}
