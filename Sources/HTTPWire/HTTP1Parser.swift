// SPDX-License-Identifier: Apache-2.0

/// The requests of one HTTP/1.1 connection as a state machine without I/O: octets in, events out.
///
/// Strict on purpose: whatever two implementations could read differently is refused (RFC 9112 11.2).
package struct HTTP1Parser: ~Copyable {
    /// What the octets mean.
    ///
    /// Ranges count from the start of the input given to ``next(_:)``.
    package enum Event {
        /// Everything was consumed or the rest is incomplete: come back with more.
        case needsMore
        case head(HTTP1Head)
        case body(Range<Int>)
        /// The request is complete; the next octets are the next request's.
        case end
    }

    private enum State {
        case head
        case body(remaining: Int)
        case chunkSize
        case chunkData(remaining: Int)
        /// The CRLF after a chunk's data.
        case chunkEnd
        case trailers
    }

    private let limits: HTTP1Limits
    private var state = State.head
    /// Octets of the incomplete head that are known to hold no end.
    private var scanned = 0
    private var emptyLines = 0
    private var extensionOctets = 0
    private var trailerOctets = 0

    package init(limits: HTTP1Limits = HTTP1Limits()) {
        self.limits = limits
    }

    /// True between requests: a connection that closes here has lost nothing.
    package var isIdle: Bool {
        if case .head = state { scanned == 0 } else { false }
    }

    /// Reads the next event.
    ///
    /// - Parameter input: all octets not consumed so far.
    /// - Returns: the event, and how many octets of `input` it used up. After `.needsMore` the rest must be given
    ///   again, with more behind it.
    /// - Throws: `HTTPRefusal`; the connection cannot be read any further then.
    package mutating func next(_ input: UnsafeRawBufferPointer) throws(HTTPRefusal) -> (event: Event, consumed: Int) {
        switch state {
        case .head: return try readHead(input)
        case .body(let remaining):
            if remaining == 0 { return finish() }
            if input.isEmpty { return (.needsMore, 0) }
            let count = min(remaining, input.count)
            state = .body(remaining: remaining - count)
            return (.body(0..<count), count)
        case .chunkSize: return try readChunkSize(input)
        case .chunkData(let remaining):
            if input.isEmpty { return (.needsMore, 0) }
            let count = min(remaining, input.count)
            state = count == remaining ? .chunkEnd : .chunkData(remaining: remaining - count)
            return (.body(0..<count), count)
        case .chunkEnd:
            // RFC 9112 7.1: verified, not skipped.
            if let first = input.first, first != HTTPOctet.cr { throw .malformedChunk }
            guard input.count >= 2 else { return (.needsMore, 0) }
            guard input[1] == HTTPOctet.lf else { throw .malformedChunk }
            state = .chunkSize
            let (event, consumed) = try readChunkSize(UnsafeRawBufferPointer(rebasing: input[2...]))
            if case .body(let range) = event {
                return (.body(range.lowerBound + 2..<range.upperBound + 2), consumed + 2)
            }
            return (event, consumed + 2)
        case .trailers: return try readTrailers(input)
        }
    }

    private mutating func finish(consumed: Int = 0) -> (event: Event, consumed: Int) {
        state = .head
        scanned = 0
        emptyLines = 0
        return (.end, consumed)
    }

    // MARK: Head

    private mutating func readHead(
        _ input: UnsafeRawBufferPointer
    ) throws(HTTPRefusal) -> (event: Event, consumed: Int) {
        var start = 0
        // RFC 9112 2.2: a robust server skips an empty line before the request line; but not without end.
        while scanned == 0, start + 1 < input.count, input[start] == HTTPOctet.cr, input[start + 1] == HTTPOctet.lf {
            emptyLines += 1
            if emptyLines > limits.emptyLines { throw .tooManyEmptyLines(limit: limits.emptyLines) }
            start += 2
        }
        let rest = UnsafeRawBufferPointer(rebasing: input[start...])
        guard let end = try findEnd(rest) else { return (.needsMore, start) }
        let head = try HTTP1Head(UnsafeRawBufferPointer(rebasing: rest[..<end]), limits: limits)
        scanned = 0
        extensionOctets = 0
        trailerOctets = 0
        state = head.request.isChunked ? .chunkSize : .body(remaining: head.request.contentLength ?? 0)
        return (.head(head), start + end)
    }

    /// The length of the head including its empty line; nil: not there yet.
    ///
    /// Checks line ends and sizes on the way.
    private mutating func findEnd(_ input: UnsafeRawBufferPointer) throws(HTTPRefusal) -> Int? {
        var lineStart = 0
        var index = scanned
        if index > 0 {
            // Back to the start of the line that was left unfinished.
            lineStart = input[..<index].lastIndex(of: HTTPOctet.lf).map { $0 + 1 } ?? 0
        }
        var isRequestLine = lineStart == 0
        while index < input.count {
            let octet = input[index]
            if octet == HTTPOctet.lf {
                guard index > 0, input[index - 1] == HTTPOctet.cr else { throw .bareLineFeed }
                if index - 1 == lineStart { return index + 1 }
                lineStart = index + 1
                isRequestLine = false
            } else if index > 0, input[index - 1] == HTTPOctet.cr {
                throw .bareCarriageReturn
            }
            index += 1
            if index - lineStart > limits.line + 2 {
                throw isRequestLine ? .targetTooLong(limit: limits.line) : .headTooLarge(limit: limits.line)
            }
            if index > limits.head { throw .headTooLarge(limit: limits.head) }
        }
        scanned = input.count
        return nil
    }

    // MARK: Chunks (RFC 9112 7.1)

    private mutating func readChunkSize(
        _ input: UnsafeRawBufferPointer
    ) throws(HTTPRefusal) -> (event: Event, consumed: Int) {
        guard let line = try chunkLine(input) else { return (.needsMore, 0) }
        var size = 0
        var digits = 0
        while digits < line.count, let digit = HTTPOctet.hexadecimalValue(line[digits]) {
            let (shifted, overflow) = size.multipliedReportingOverflow(by: 16)
            guard !overflow, digits < 16 else { throw .malformedChunk }
            size = shifted + digit
            digits += 1
        }
        guard digits > 0 else { throw .malformedChunk }
        try checkExtension(UnsafeRawBufferPointer(rebasing: line[digits...]))
        let consumed = line.count + 2
        if size == 0 {
            state = .trailers
            let (event, more) = try readTrailers(UnsafeRawBufferPointer(rebasing: input[consumed...]))
            return (event, consumed + more)
        }
        state = .chunkData(remaining: size)
        let rest = UnsafeRawBufferPointer(rebasing: input[consumed...])
        if rest.isEmpty { return (.needsMore, consumed) }
        let count = min(size, rest.count)
        state = count == size ? .chunkEnd : .chunkData(remaining: size - count)
        return (.body(consumed..<consumed + count), consumed + count)
    }

    /// A chunk's line without its CRLF.
    private func chunkLine(_ input: UnsafeRawBufferPointer) throws(HTTPRefusal) -> UnsafeRawBufferPointer? {
        for index in 0..<min(input.count, limits.chunkLine + 2) {
            switch input[index] {
            case HTTPOctet.lf: throw .malformedChunk
            case HTTPOctet.cr:
                guard index + 1 < input.count else { return nil }
                guard input[index + 1] == HTTPOctet.lf else { throw .malformedChunk }
                return UnsafeRawBufferPointer(rebasing: input[..<index])
            default: continue
            }
        }
        if input.count >= limits.chunkLine + 2 { throw .chunkLineTooLong(limit: limits.chunkLine) }
        return nil
    }

    private mutating func checkExtension(_ octets: UnsafeRawBufferPointer) throws(HTTPRefusal) {
        if octets.isEmpty { return }
        // Nothing but white space before a semicolon; the rest is ignored, as the RFC asks, but for control octets.
        guard octets.first(where: { !HTTPOctet.isSpace($0) }) == UInt8(ascii: ";"),
            octets.allSatisfy(HTTPOctet.isFieldContent)
        else { throw .malformedChunk }
        extensionOctets += octets.count
        if extensionOctets > limits.chunkExtensions { throw .chunkLineTooLong(limit: limits.chunkExtensions) }
    }

    /// Reads trailer fields to their end and drops them (RFC 9110 6.5.1: never merged into the head).
    private mutating func readTrailers(
        _ input: UnsafeRawBufferPointer
    ) throws(HTTPRefusal) -> (event: Event, consumed: Int) {
        var lineStart = 0
        for index in input.indices {
            if input[index] == HTTPOctet.lf {
                guard index > lineStart, input[index - 1] == HTTPOctet.cr else { throw .bareLineFeed }
                let line = UnsafeRawBufferPointer(rebasing: input[lineStart..<index - 1])
                trailerOctets += line.count + 2
                if trailerOctets > limits.head { throw .headTooLarge(limit: limits.head) }
                if line.isEmpty { return finish(consumed: index + 1) }
                _ = try HTTP1FieldLine(line)
                lineStart = index + 1
            } else if index > lineStart, input[index - 1] == HTTPOctet.cr {
                throw .bareCarriageReturn
            }
        }
        if input.count - lineStart > limits.line { throw .headTooLarge(limit: limits.line) }
        return (.needsMore, lineStart)
    }
}
