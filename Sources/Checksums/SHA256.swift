// SPDX-License-Identifier: Apache-2.0

import CHash

/// SHA-256 (FIPS 180-4), to name weights by their content.
///
/// Not for secrets.
package struct SHA256 {
    private var state: [UInt32] = [
        0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB, 0x5BE0_CD19,
    ]

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
        guard let bytes = blocks.bindMemory(to: UInt8.self).baseAddress else { return }
        uae_sha256_blocks(&state, bytes, blocks.count / 64)
    }
}
