// SPDX-License-Identifier: Apache-2.0

import HTTPWire
import Testing

/// However the network cuts a connection's bytes, the parser reads the same.
@Suite struct HTTP1SplitTests {
    private static let connections = [
        "\r\n\r\n" + get("X: y") + "\r\n" + get(),
        "POST /x?y=z HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\r\n" + get(),
        chunked("5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\nX: y\r\nZ: w\r\n\r\n") + get(),
        get("X : y"), "GET / HTTP/1.1\nHost", chunked("5\r\nhelloX"), "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
        chunked("5\r\nhello\r\n0\r\nX: y\n"), "\r\r\n", "\r\n\n",
    ]

    private func outcome(_ parsed: ParsedConnection) -> String {
        "\(parsed.heads.map(\.request.rawTarget)) \(parsed.bodies) \(parsed.completed) \(String(describing: parsed.refusal))"
    }

    @Test(arguments: connections)
    func readsTheSameAtEverySplit(text: String) {
        let bytes = Array(text.utf8)
        let whole = outcome(ParsedConnection(pieces: [bytes]))
        for split in bytes.indices {
            let parsed = ParsedConnection(pieces: [Array(bytes[..<split]), Array(bytes[split...])])
            #expect(outcome(parsed) == whole, "split at \(split)")
        }
        #expect(outcome(ParsedConnection(pieces: bytes.map { [$0] })) == whole)
    }

    @Test func survivesMutations() {
        var generator = SplitMix(state: 9112)
        let seeds = Self.connections.map { Array($0.utf8) }
        let alphabet = Array("\r\n :;,0159afAFx%\t\u{0}".utf8) + [0x80, 0xFF]
        var refusals = 0
        for round in 0..<20_000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0..<1 + Int(generator.next() % 4) {
                let index = Int(generator.next() % UInt64(bytes.count))
                let byte = alphabet[Int(generator.next() % UInt64(alphabet.count))]
                switch generator.next() % 3 {
                case 0: bytes[index] = byte
                case 1: bytes.insert(byte, at: index)
                default: bytes.remove(at: index)
                }
                if bytes.isEmpty { bytes = [byte] }
            }
            let split = Int(generator.next() % UInt64(bytes.count))
            let whole = ParsedConnection(pieces: [bytes])
            let halves = ParsedConnection(pieces: [Array(bytes[..<split]), Array(bytes[split...])])
            if whole.refusal != nil { refusals += 1 }
            #expect(outcome(whole) == outcome(halves), "\(String(decoding: bytes, as: UTF8.self).debugDescription)")
        }
        #expect(refusals > 1000)
    }
}

/// A small generator with a known sequence, so that a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
