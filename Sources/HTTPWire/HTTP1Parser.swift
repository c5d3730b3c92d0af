// SPDX-License-Identifier: Apache-2.0

/// The requests of one HTTP/1.1 connection as a state machine without I/O: bytes in, events out.
///
/// Strict on purpose: whatever two implementations could read differently is refused (RFC 9112 11.2). Every line is
/// checked as soon as it is complete.
package struct HTTP1Parser: ~Copyable {
    /// A part of the input.
    ///
    /// Ranges count from the start of the input given to ``next(_:)``.
    package enum Event {
        /// All input is consumed, or the rest is incomplete: more is needed.
        case needsMore
        case head(HTTP1Head)
        case body(Range<Int>)
        /// The request is complete; the next bytes are the next request's.
        case end
    }

    private enum State {
        case requestLine
        case fields(HTTP1HeadBuilder)
        case body(remaining: Int)
        case chunkSize
        case chunkData(remaining: Int)
        /// The CRLF after a chunk's data.
        case chunkEnd
        case trailers
    }

    private let limits: HTTP1Limits
    private var state = State.requestLine
    private var lines = LineScanner()
    private var emptyLines = 0
    /// Bytes and fields of the head or of the trailer section so far.
    private var sectionBytes = 0
    private var trailerCount = 0
    private var extensionBytes = 0
    /// Whether the current or latest request is a HEAD: its response has no content, even if the request is refused
    /// before its head is complete (RFC 9110 9.3.2).
    package private(set) var isHeadRequest = false

    package init(limits: HTTP1Limits = HTTP1Limits()) {
        self.limits = limits
    }

    /// True between requests: a connection that closes now loses nothing.
    package var isIdle: Bool {
        if case .requestLine = state { lines.scanned == 0 } else { false }
    }

    /// What is known of a head that is refused or incomplete; nil: nothing, because it has no valid request line yet.
    package var partialHead: HTTPRequestHead? {
        if case .fields(let builder) = state { builder.partialHead } else { nil }
    }

    /// Reads the next event.
    ///
    /// - Parameter input: all bytes not consumed so far.
    /// - Returns: the event, and how many bytes of `input` it used up. After `.needsMore` the rest must be given
    ///   again, followed by more.
    /// - Throws: `HTTPRefusal`; the connection cannot be read any further then.
    package mutating func next(_ input: UnsafeRawBufferPointer) throws(HTTPRefusal) -> (event: Event, consumed: Int) {
        var position = 0
        while true {
            let rest = UnsafeRawBufferPointer(rebasing: input[position...])
            switch state {
            case .requestLine, .fields:
                guard let line = try headLine(rest) else { return (.needsMore, position) }
                position += line.count + 2
                if let head = try read(headLine: line) { return (.head(head), position) }
            case .body(let remaining), .chunkData(let remaining):
                if remaining == 0 { return finish(consumed: position) }
                if rest.isEmpty { return (.needsMore, position) }
                let count = min(remaining, rest.count)
                if case .body = state {
                    state = .body(remaining: remaining - count)
                } else {
                    state = count == remaining ? .chunkEnd : .chunkData(remaining: remaining - count)
                }
                return (.body(position..<position + count), position + count)
            case .chunkEnd:
                // RFC 9112 7.1: verified, not skipped.
                if let first = rest.first, first != HTTPByte.cr { throw .malformedChunk }
                guard rest.count >= 2 else { return (.needsMore, position) }
                guard rest[1] == HTTPByte.lf else { throw .malformedChunk }
                position += 2
                state = .chunkSize
            case .chunkSize:
                guard let line = try chunkLine(rest) else { return (.needsMore, position) }
                position += line.count + 2
                let size = try chunkSize(line)
                sectionBytes = 0
                state = size == 0 ? .trailers : .chunkData(remaining: size)
            case .trailers:
                guard let line = try headLine(rest) else { return (.needsMore, position) }
                position += line.count + 2
                if line.isEmpty { return finish(consumed: position) }
                // Read to their end and dropped (RFC 9110 6.5.1: never merged into the head).
                _ = try HTTP1FieldLine(line)
                trailerCount += 1
                if trailerCount > limits.fields { throw .tooManyFields(limit: limits.fields) }
            }
        }
    }

    private mutating func finish(consumed: Int) -> (event: Event, consumed: Int) {
        state = .requestLine
        emptyLines = 0
        sectionBytes = 0
        trailerCount = 0
        extensionBytes = 0
        return (.end, consumed)
    }

    // MARK: Head

    /// - Returns: the head, when this line was its last.
    private mutating func read(headLine line: UnsafeRawBufferPointer) throws(HTTPRefusal) -> HTTP1Head? {
        guard case .fields(var builder) = state else {
            // RFC 9112 2.2: a robust server skips an empty line before the request line; but only some of them.
            if line.isEmpty {
                emptyLines += 1
                if emptyLines > limits.emptyLines { throw .tooManyEmptyLines(limit: limits.emptyLines) }
                sectionBytes = 0
            } else {
                state = .fields(try HTTP1HeadBuilder(requestLine: line))
            }
            return nil
        }
        if line.isEmpty {
            let head = try builder.finish()
            sectionBytes = 0
            state = head.request.isChunked ? .chunkSize : .body(remaining: head.request.contentLength ?? 0)
            return head
        }
        // Taken out of the state while it grows; otherwise each header would copy the others.
        state = .requestLine
        defer { state = .fields(builder) }
        try builder.add(line, limit: limits.fields)
        return nil
    }

    /// A line of the head or of the trailer section, within the limits of both.
    private mutating func headLine(_ input: UnsafeRawBufferPointer) throws(HTTPRefusal) -> UnsafeRawBufferPointer? {
        if case .requestLine = state { isHeadRequest = input.starts(with: "HEAD ".utf8) }
        let line: UnsafeRawBufferPointer?
        do {
            line = try lines.line(in: input, limit: limits.line)
        } catch {
            switch error {
            case .bareLineFeed: throw .bareLineFeed
            case .bareCarriageReturn: throw .bareCarriageReturn
            case .tooLong:
                if case .requestLine = state { throw .targetTooLong(limit: limits.line) }
                throw .headTooLarge(limit: limits.line)
            }
        }
        if sectionBytes + (line.map { $0.count + 2 } ?? input.count) > limits.head {
            throw .headTooLarge(limit: limits.head)
        }
        if let line { sectionBytes += line.count + 2 }
        return line
    }

    // MARK: Chunks (RFC 9112 7.1)

    private mutating func chunkLine(_ input: UnsafeRawBufferPointer) throws(HTTPRefusal) -> UnsafeRawBufferPointer? {
        do {
            return try lines.line(in: input, limit: limits.chunkLine)
        } catch {
            switch error {
            case .bareLineFeed, .bareCarriageReturn: throw .malformedChunk
            case .tooLong: throw .chunkLineTooLong(limit: limits.chunkLine)
            }
        }
    }

    private mutating func chunkSize(_ line: UnsafeRawBufferPointer) throws(HTTPRefusal) -> Int {
        var size = 0
        var digits = 0
        while digits < line.count, let digit = HTTPByte.hexadecimalValue(line[digits]) {
            let (shifted, overflow) = size.multipliedReportingOverflow(by: 16)
            guard !overflow else { throw .malformedChunk }
            size = shifted + digit
            digits += 1
        }
        guard digits > 0 else { throw .malformedChunk }
        try checkExtension(UnsafeRawBufferPointer(rebasing: line[digits...]))
        return size
    }

    private mutating func checkExtension(_ bytes: UnsafeRawBufferPointer) throws(HTTPRefusal) {
        if bytes.isEmpty { return }
        // Only white space before a semicolon; the rest is ignored (RFC 9112 7.1.1), except for control bytes.
        guard bytes.first(where: { !HTTPByte.isSpace($0) }) == UInt8(ascii: ";"),
            bytes.allSatisfy(HTTPByte.isFieldContent)
        else { throw .malformedChunk }
        extensionBytes += bytes.count
        if extensionBytes > limits.chunkExtensions { throw .chunkLineTooLong(limit: limits.chunkExtensions) }
    }
}
