// SPDX-License-Identifier: Apache-2.0

import CZlib

/// Why compressed bytes do not give what they should.
package enum InflateError: Error, Equatable {
    case corrupt
    case endsEarly(bytes: Int, expected: Int)
    case longer(than: Int)
}

/// What surrounds compressed bytes.
package enum DeflateWrapper: Sendable {
    /// Nothing (RFC 1951), as in zip archives.
    case none
    /// zlib's header and checksum (RFC 1950), as in PNG files.
    case zlib

    /// As zlib is told: the window's size, negative without a header.
    fileprivate var windowBits: Int32 { self == .none ? -MAX_WBITS : MAX_WBITS }
}

/// DEFLATE without a wrapper (RFC 1951), as zip archives hold it, by zlib.
///
/// At most `out.count` bytes are written, whatever the compressed bytes would give.
///
/// - Parameters:
///   - deflated: the compressed bytes.
///   - out: exactly as long as the content.
/// - Throws: `InflateError`.
package func inflate(
    _ deflated: UnsafeRawBufferPointer,
    into out: UnsafeMutableRawBufferPointer
) throws(InflateError) {
    let found = try inflateStart(of: deflated, into: out)
    guard found.count == out.count else { throw .endsEarly(bytes: found.count, expected: out.count) }
    guard found.isWhole else { throw .longer(than: out.count) }
}

/// The first bytes of compressed content, as many as fit.
///
/// - Parameters:
///   - deflated: the compressed bytes.
///   - wrapper: what surrounds them.
///   - out: where the content goes.
/// - Returns: how many bytes were written, and whether the content ends there.
/// - Throws: `.corrupt`.
package func inflateStart(
    of deflated: UnsafeRawBufferPointer,
    wrapper: DeflateWrapper = .none,
    into out: UnsafeMutableRawBufferPointer
) throws(InflateError) -> (count: Int, isWhole: Bool) {
    var stream = z_stream()
    // The library compares version and size with its own.
    let started = inflateInit2_(&stream, wrapper.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard started == Z_OK else { throw .corrupt }
    defer { inflateEnd(&stream) }
    var (read, written) = (0, 0)
    // One byte more than fits tells content that ends exactly there from longer content.
    var spare: UInt8 = 0
    return try withUnsafeMutableBytes(of: &spare) { (spare) throws(InflateError) in
        while true {
            // zlib counts in 32 bits.
            let input = UnsafeRawBufferPointer(rebasing: deflated[read..<min(deflated.count, read + 1 << 30)])
            let isFull = written == out.count
            let target =
                isFull
                ? spare : UnsafeMutableRawBufferPointer(rebasing: out[written..<min(out.count, written + 1 << 30)])
            stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
            stream.avail_in = UInt32(input.count)
            stream.next_out = target.bindMemory(to: UInt8.self).baseAddress
            stream.avail_out = UInt32(target.count)
            let status = CZlib.inflate(&stream, Z_NO_FLUSH)
            let made = target.count - Int(stream.avail_out)
            read += input.count - Int(stream.avail_in)
            if isFull, made > 0 { return (written, false) }
            written += made
            switch status {
            case Z_STREAM_END: return (written, true)
            // Nothing more can be read: the compressed bytes end before their content does.
            case Z_BUF_ERROR: return (written, false)
            case Z_OK: continue
            default: throw .corrupt
            }
        }
    }
}

/// Decompresses a zlib stream (RFC 1950) as far as it goes.
///
/// - Parameters:
///   - bytes: the stream; its end may be missing.
///   - limit: the most bytes that it may decompress to.
/// - Returns: the bytes; nil for bytes that are no zlib stream, and for more than `limit` bytes.
package func inflated(_ bytes: UnsafeRawBufferPointer, atMost limit: Int) -> [UInt8]? {
    var isCorrupt = false
    let result = [UInt8](unsafeUninitializedCapacity: limit + 1) { target, count in
        do throws(InflateError) {
            let target = UnsafeMutableRawBufferPointer(start: target.baseAddress, count: limit + 1)
            count = try inflateStart(of: bytes, wrapper: .zlib, into: target).count
        } catch {
            isCorrupt = true
        }
    }
    return isCorrupt || result.count > limit ? nil : result
}
