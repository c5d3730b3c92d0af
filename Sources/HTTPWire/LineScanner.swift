// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Finds lines that end with CRLF in input that arrives in pieces; each byte is examined once.
struct LineScanner {
    enum Failure: Error {
        case bareLineFeed
        case bareCarriageReturn
        case tooLong
    }

    /// Bytes of the unfinished line that are known to hold no line end.
    private(set) var scanned = 0

    /// The next line, without its CRLF; nil: it has not ended yet.
    ///
    /// - Parameters:
    ///   - input: begins where the line does.
    ///   - limit: bytes that the line may have, without its CRLF.
    /// - Returns: the line; nil: more input is needed.
    /// - Throws: `Failure`.
    mutating func line(
        in input: UnsafeRawBufferPointer,
        limit: Int
    ) throws(Failure) -> UnsafeRawBufferPointer? {
        guard let base = input.baseAddress, scanned < input.count else { return nil }
        guard let found = memchr(base + scanned, Int32(HTTPByte.lf), input.count - scanned) else {
            try checkUnfinished(input, limit: limit)
            // A CR at the end of the input may be the first half of CRLF: it is examined again.
            scanned = input.last == HTTPByte.cr ? input.count - 1 : input.count
            return nil
        }
        let end = UnsafeRawPointer(found) - base
        scanned = 0
        guard let firstReturn = memchr(base, Int32(HTTPByte.cr), end) else { throw .bareLineFeed }
        guard UnsafeRawPointer(firstReturn) - base == end - 1 else { throw .bareCarriageReturn }
        if end - 1 > limit { throw .tooLong }
        return UnsafeRawBufferPointer(rebasing: input[..<(end - 1)])
    }

    private func checkUnfinished(_ input: UnsafeRawBufferPointer, limit: Int) throws(Failure) {
        if let base = input.baseAddress, let found = memchr(base + scanned, Int32(HTTPByte.cr), input.count - scanned),
            UnsafeRawPointer(found) - base != input.count - 1
        {
            throw .bareCarriageReturn
        }
        if input.count > limit + 1 { throw .tooLong }
    }
}
