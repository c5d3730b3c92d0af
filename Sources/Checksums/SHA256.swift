// SPDX-License-Identifier: Apache-2.0

import Crypto

/// SHA-256 (FIPS 180-4) of a large piece of memory, such as a mapped file.
///
/// - Parameters:
///   - bytes: what to hash.
///   - finished: called with each piece of a few megabytes once it has been read for the last time.
/// - Returns: 64 hexadecimal digits, lower-case.
package func sha256Hexadecimal(
    of bytes: UnsafeRawBufferPointer,
    finished: (UnsafeRawBufferPointer) -> Void = { _ in }
) -> String {
    var hash = SHA256()
    for start in stride(from: 0, to: bytes.count, by: 1 << 23) {
        let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + (1 << 23), bytes.count)])
        hash.update(bufferPointer: piece)
        finished(piece)
    }
    return hash.finalize().map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
}
