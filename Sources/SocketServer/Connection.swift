// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import HTTPTypes
import HTTPWire
import Synchronization

/// One client's connection.
///
/// Belongs to its loop's thread; only the loop calls it.
final class Connection {
    /// Which of its turns the connection is in.
    private enum Phase {
        /// A head or a body is being read.
        case reading
        /// The handler has the request.
        case responding
        /// The answer is being sent.
        case writing(thenClose: Bool)
        /// Our side is shut; what still comes is dropped, since closing now would reset the answer (RFC 9112 9.6).
        case lingering(octets: Int)
        case closed
    }

    /// The request under way.
    private struct Current {
        let number: UInt64
        let head: HTTP1Head
        let startedAt: ContinuousClock.Instant
        let bodyLimit: Int
        var body: [UInt8] = []
        var bodyCount = 0
        /// The answer is out already; the body is only read to find the next request.
        var isAnswered = false
        /// The answer said `Connection: close`.
        var closes = false
    }

    let id: UInt64
    let descriptor: Int32
    private unowned let loop: EventLoop
    private let isOverLimit: Bool
    private var phase = Phase.reading
    private var parser: HTTP1Parser
    /// Octets received and not consumed: `input[inputStart...]`.
    private var input: [UInt8] = []
    private var inputStart = 0
    private var output = OutputBuffer()
    private var current: Current?
    private var task: Task<Void, Never>?
    private var exchangeCount: UInt64 = 0
    private var deadline: ContinuousClock.Instant?
    private var interest = EPOLLIN.rawValue
    private var peerHasFinished = false
    /// Octets of the body that count against the server's budget.
    private var heldBytes = 0
    /// The answer's first octets were sent ahead to learn whether the client is still there.
    private var sentPrefix = false

    /// Pipelined octets that are held while a request is answered.
    private static let pipelineLimit = 64 << 10
    /// A body up to this is read and dropped after an early answer, so that the connection lives on.
    private static let discardLimit = 64 << 10

    init(id: UInt64, descriptor: Int32, isOverLimit: Bool, loop: EventLoop) {
        self.id = id
        self.descriptor = descriptor
        self.isOverLimit = isOverLimit
        self.loop = loop
        parser = HTTP1Parser(limits: loop.configuration.http1)
        deadline = .now + loop.configuration.headerTimeout
    }

    var isClosed: Bool { if case .closed = phase { true } else { false } }

    // MARK: What the loop calls

    func handle(events: UInt32) {
        if events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 { return abort() }
        if events & EPOLLOUT.rawValue != 0 { flush() }
        if events & EPOLLIN.rawValue != 0 { receive() }
        advance()
    }

    /// The handler's answer to the request under way.
    func answer(exchange: UInt64, _ response: Response) {
        guard case .responding = phase, let current, current.number == exchange else { return }
        task = nil
        send(response, to: current, closing: false)
        flush()
        advance()
    }

    func closeIfIdle() {
        if case .reading = phase, current == nil, parser.isIdle, inputStart == input.count { close() }
    }

    func checkDeadline(_ now: ContinuousClock.Instant) {
        guard let deadline, now >= deadline else { return }
        switch phase {
        case .reading:
            if let current {
                let seconds = (now - current.startedAt) / .seconds(1)
                if Double(current.bodyCount) >= Double(loop.configuration.minimumBodyRate) * seconds {
                    self.deadline = now + .seconds(1)
                } else {
                    refuse(.bodyTimeout)
                }
            } else if parser.isIdle, inputStart == input.count {
                close()
            } else {
                refuse(.headTimeout)
            }
        case .writing: abort()
        case .lingering: close()
        case .responding, .closed: break
        }
        flush()
        advance()
    }

    /// Ends the connection at once: the client left, or the server does.
    func abort() {
        if case .closed = phase { return }
        task?.cancel()
        task = nil
        if let current, !current.isAnswered { report(current, status: 499, bytesOut: 0) }
        close()
    }

    // MARK: Receiving

    private func receive() {
        // A bounded run, so that one fast sender does not keep the others waiting.
        for _ in 0..<8 {
            let count = recv(descriptor, loop.scratch.baseAddress, loop.scratch.count, 0)
            if count == 0 {
                peerHasFinished = true
                return
            }
            if count < 0 {
                if errno == EINTR { continue }
                if errno != EAGAIN { abort() }
                return
            }
            take(UnsafeRawBufferPointer(rebasing: loop.scratch[..<count]))
            guard wantsInput, count == loop.scratch.count else { return }
        }
    }

    private func take(_ octets: UnsafeRawBufferPointer) {
        switch phase {
        case .lingering(let dropped):
            phase = .lingering(octets: dropped + octets.count)
            if dropped + octets.count > loop.configuration.lingerBytes { close() }
        case .reading, .responding, .writing:
            if case .reading = phase, current == nil, parser.isIdle, inputStart == input.count {
                // The head's time runs from its first octet and is not restarted by later ones.
                deadline = .now + loop.configuration.headerTimeout
            }
            input.append(contentsOf: octets)
            if case .reading = phase { parse() }
        case .closed: break
        }
    }

    private var wantsInput: Bool {
        switch phase {
        case .reading, .lingering: !peerHasFinished
        case .responding, .writing: !peerHasFinished && input.count - inputStart < Self.pipelineLimit
        case .closed: false
        }
    }

    /// Consumes what the parser can make of the input.
    private func parse() {
        while case .reading = phase {
            do throws(HTTPRefusal) {
                let (event, consumed) = try nextEvent()
                let start = inputStart
                inputStart += consumed
                switch event {
                case .needsMore: return compactInput()
                case .head(let head): begin(head)
                case .body(let range): try take(body: start + range.lowerBound..<start + range.upperBound)
                case .end: end()
                }
            } catch {
                refuse(error)
            }
        }
    }

    private func nextEvent() throws(HTTPRefusal) -> (event: HTTP1Parser.Event, consumed: Int) {
        // `withUnsafeBytes` of a slice does not carry typed errors out.
        var result: Result<(event: HTTP1Parser.Event, consumed: Int), HTTPRefusal>?
        input[inputStart...].withUnsafeBytes { octets in
            do throws(HTTPRefusal) {
                result = .success(try parser.next(octets))
            } catch {
                result = .failure(error)
            }
        }
        return try result?.get() ?? (.needsMore, 0)
    }

    private func compactInput() {
        if inputStart == input.count {
            input.removeAll(keepingCapacity: input.capacity <= Self.pipelineLimit)
            inputStart = 0
        } else if inputStart > Self.pipelineLimit {
            input.removeFirst(inputStart)
            inputStart = 0
        }
    }

    // MARK: One request

    private func begin(_ received: HTTP1Head) {
        exchangeCount += 1
        var head = received
        head.request.isOverLimit = isOverLimit
        let request = head.request
        let now = ContinuousClock.now
        switch loop.handler.admit(request) {
        case .respond(let response):
            var current = Current(number: exchangeCount, head: head, startedAt: now, bodyLimit: Self.discardLimit)
            let canDiscard =
                !request.isChunked && (request.contentLength ?? 0) <= Self.discardLimit
                && (!head.expectsContinue || !request.hasBody)
            current.isAnswered = true
            self.current = current
            deadline = now + loop.configuration.bodyTimeout
            send(response, to: current, closing: !canDiscard)
            if canDiscard, case .writing = phase { phase = .reading }
        case .readBody(let limit):
            current = Current(number: exchangeCount, head: head, startedAt: now, bodyLimit: limit)
            if let length = request.contentLength {
                if length > limit { return refuse(.bodyTooLarge(limit: limit, actual: length)) }
                // Never as much as the header claims: it may lie.
                current?.body.reserveCapacity(min(length, 1 << 20))
            }
            deadline = now + loop.configuration.bodyTimeout
            if head.expectsContinue, request.hasBody, inputStart == input.count {
                output.append(HTTP1Serializer.continueLine)
            }
        }
    }

    private func take(body range: Range<Int>) throws(HTTPRefusal) {
        guard let limit = current?.bodyLimit, let count = current?.bodyCount else { return }
        guard range.count <= limit - count else { throw .bodyTooLarge(limit: limit, actual: nil) }
        current?.bodyCount += range.count
        if current?.isAnswered == true { return }
        let inflight = loop.totals.bodyBytes.add(range.count, ordering: .relaxed).newValue
        heldBytes += range.count
        current?.body.append(contentsOf: input[range])
        guard inflight <= loop.configuration.maximumInflightBytes else {
            throw .tooManyBytesInFlight(limit: loop.configuration.maximumInflightBytes)
        }
    }

    /// The request is complete.
    private func end() {
        guard let current else { return }
        if current.isAnswered {
            phase = .writing(thenClose: current.closes)
            return
        }
        phase = .responding
        deadline = nil
        let request = Request(
            head: current.head.request,
            body: current.body,
            headAt: current.startedAt,
            bodyAt: .now
        )
        // The request owns the body now; a second reference would make it a copy on its way.
        self.current?.body = []
        let (handler, loop, id, number) = (loop.handler, loop, id, current.number)
        task = Task {
            let response = await handler.respond(to: request)
            loop.post(.respond(connection: id, exchange: number, response))
        }
    }

    /// Answers with the protocol's own error and closes: after a framing error nothing further can be trusted.
    private func refuse(_ refusal: HTTPRefusal) {
        guard case .reading = phase else { return }
        let response = loop.handler.refusal(refusal)
        if let current, !current.isAnswered {
            send(response, to: current, closing: true)
        } else {
            let head = HTTP1Serializer.head(response, date: loop.date.now(), connection: "close")
            output.append(head)
            output.append(response.body)
            loop.handler.completed(
                Exchange(
                    head: nil,
                    status: response.status,
                    bytesIn: 0,
                    bytesOut: head.count + response.body.count,
                    duration: .zero
                )
            )
            startWriting(thenClose: true)
        }
        input.removeAll()
        inputStart = 0
    }

    private func send(_ response: Response, to current: Current, closing: Bool) {
        let request = current.head.request
        let keepsAlive =
            current.head.keepsAlive && !closing && !response.closeConnection && !loop.isDraining
            && !peerHasFinished && !isOverLimit
        let field: String? = keepsAlive ? (request.version == .http10 ? "keep-alive" : nil) : "close"
        var head = HTTP1Serializer.head(response, date: loop.date.now(), connection: field)
        if sentPrefix { head.removeFirst(HTTP1Serializer.prefix.count) }
        sentPrefix = false
        output.append(head)
        if request.method != .head { output.append(response.body) }
        report(current, status: response.status, bytesOut: head.count + response.body.count)
        self.current?.isAnswered = true
        self.current?.closes = !keepsAlive
        startWriting(thenClose: !keepsAlive)
    }

    private func report(_ current: Current, status: Int, bytesOut: Int) {
        releaseBody()
        loop.handler.completed(
            Exchange(
                head: current.head.request,
                status: status,
                bytesIn: current.bodyCount,
                bytesOut: bytesOut,
                duration: ContinuousClock.now - current.startedAt
            )
        )
    }

    private func releaseBody() {
        loop.totals.bodyBytes.subtract(heldBytes, ordering: .relaxed)
        heldBytes = 0
    }

    // MARK: Sending

    private func startWriting(thenClose: Bool) {
        phase = .writing(thenClose: thenClose)
        deadline = .now + loop.configuration.writeTimeout
    }

    private func flush() {
        if output.isEmpty { return }
        switch output.send(to: descriptor) {
        case .sentAll: break
        case .blocked(let progress):
            if progress, case .writing = phase { deadline = .now + loop.configuration.writeTimeout }
        case .failed: abort()
        }
    }

    /// Goes on as far as it can without waiting: sends, turns to the next request, closes.
    private func advance() {
        while true {
            flush()
            switch phase {
            case .writing(let thenClose) where output.isEmpty:
                guard thenClose else {
                    current = nil
                    phase = .reading
                    let hasInput = inputStart < input.count
                    let timeout = hasInput ? loop.configuration.headerTimeout : loop.configuration.idleTimeout
                    deadline = .now + timeout
                    if loop.isDraining, !hasInput { return close() }
                    parse()
                    continue
                }
                startLingering()
            case .reading where peerHasFinished && output.isEmpty:
                // An incomplete request is never processed (RFC 9112 8).
                abort()
            case .responding where peerHasFinished && !sentPrefix:
                // Half-closed, or gone for good? The answer's own first octets tell: a dead socket resets them.
                sentPrefix = true
                output.append(HTTP1Serializer.prefix)
                continue
            case .lingering where peerHasFinished: close()
            case .reading, .writing, .responding, .lingering, .closed: break
            }
            return updateInterest()
        }
    }

    private func startLingering() {
        if peerHasFinished { return close() }
        shutdown(descriptor, Int32(SHUT_WR))
        phase = .lingering(octets: 0)
        deadline = .now + loop.configuration.lingerTimeout
        input = []
        inputStart = 0
    }

    private func updateInterest() {
        if isClosed { return }
        let wanted = (wantsInput ? EPOLLIN.rawValue : 0) | (output.isEmpty ? 0 : EPOLLOUT.rawValue)
        if wanted != interest {
            interest = wanted
            loop.setInterest(self, events: wanted)
        }
    }

    private func close() {
        if case .closed = phase { return }
        phase = .closed
        deadline = nil
        releaseBody()
        // Closing also takes the descriptor out of epoll.
        Glibc.close(descriptor)
    }
}
