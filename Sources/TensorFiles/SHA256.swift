// SPDX-License-Identifier: Apache-2.0

import Glibc

/// SHA-256 (FIPS 180-4), to name weights by their content.
///
/// Not for secrets.
package struct SHA256 {
    /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes, as the standard defines them.
    private static let roundConstants: [UInt32] = primes(64).map { fraction(cbrt($0)) }
    /// Likewise of the square roots of the first eight.
    private var state: [UInt32] = primes(8).map { fraction($0.squareRoot()) }
    private var schedule = [UInt32](repeating: 0, count: 64)

    /// The digest of `bytes` as 64 hexadecimal digits.
    ///
    /// - Parameters:
    ///   - bytes: what to hash.
    ///   - finished: called with each piece of a few megabytes once it has been read for the last time.
    /// - Returns: lower-case digits.
    package static func hexadecimal(
        of bytes: UnsafeRawBufferPointer,
        finished: (UnsafeRawBufferPointer) -> Void = { _ in }
    ) -> String {
        var hash = SHA256()
        let whole = bytes.count / 64 * 64
        for start in stride(from: 0, to: whole, by: 1 << 23) {
            let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + (1 << 23), whole)])
            hash.update(piece)
            finished(piece)
        }
        var tail = [UInt8](bytes[whole...])
        tail.append(0x80)
        while tail.count % 64 != 56 { tail.append(0) }
        withUnsafeBytes(of: (UInt64(bytes.count) << 3).bigEndian) { tail.append(contentsOf: $0) }
        tail.withUnsafeBytes { hash.update($0) }
        return hash.state.map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 8 - digits.count) + digits
        }.joined()
    }

    /// Hashes whole blocks of 64 bytes.
    private mutating func update(_ blocks: UnsafeRawBufferPointer) {
        Self.roundConstants.withUnsafeBufferPointer { constants in
            schedule.withUnsafeMutableBufferPointer { schedule in
                for block in stride(from: 0, to: blocks.count, by: 64) {
                    for index in 0..<16 {
                        let word = blocks.loadUnaligned(fromByteOffset: block + 4 * index, as: UInt32.self)
                        schedule[index] = UInt32(bigEndian: word)
                    }
                    Self.compress(&state, schedule, constants)
                }
            }
        }
    }

    private static func compress(
        _ state: inout [UInt32],
        _ w: UnsafeMutableBufferPointer<UInt32>,
        _ constants: UnsafeBufferPointer<UInt32>
    ) {
        for index in 16..<64 {
            let (x, y) = (w[index - 15], w[index - 2])
            let s0 = rotated(x, 7) ^ rotated(x, 18) ^ x >> 3
            let s1 = rotated(y, 17) ^ rotated(y, 19) ^ y >> 10
            w[index] = w[index - 16] &+ s0 &+ w[index - 7] &+ s1
        }
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        var (e, f, g, h) = (state[4], state[5], state[6], state[7])
        for index in 0..<64 {
            let s1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
            let t1 = h &+ s1 &+ (e & f ^ ~e & g) &+ constants[index] &+ w[index]
            let s0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
            let t2 = s0 &+ (a & b ^ a & c ^ b & c)
            (h, g, f, e, d, c, b, a) = (g, f, e, d &+ t1, c, b, a, t1 &+ t2)
        }
        for (index, word) in [a, b, c, d, e, f, g, h].enumerated() { state[index] &+= word }
    }

    @inline(__always)
    private static func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 {
        word &>> count | word &<< (32 &- count)
    }

    private static func primes(_ count: Int) -> [Double] {
        var primes: [Int] = []
        var candidate = 2
        while primes.count < count {
            if primes.allSatisfy({ candidate % $0 != 0 }) { primes.append(candidate) }
            candidate += 1
        }
        return primes.map(Double.init)
    }

    private static func fraction(_ root: Double) -> UInt32 {
        UInt32((root - root.rounded(.down)) * 0x1p32)
    }
}
