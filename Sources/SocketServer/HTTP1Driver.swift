// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HTTPWire

/// Speaks HTTP/1.1 on a connection, one request at a time, until the client switches to HTTP/2.
final class HTTP1Driver: ProtocolDriver {
    private enum Phase {
        /// A head or a body is being read.
        case reading
        /// The handler has the request.
        case responding
        /// The response is being sent.
        case writing(thenClose: Bool)
        /// Nothing more is read or sent here.
        case done
    }

    /// The request in progress.
    private struct Current {
        let exchange: ActiveExchange
        let keepsAlive: Bool
        /// The response said `Connection: close`.
        var closes = false
        /// A response that does not depend on the body, sent once the framing of the bytes received so far is checked.
        var earlyResponse: Response?
    }

    private unowned let connection: Connection
    private unowned let loop: EventLoop
    private var phase = Phase.reading
    private var parser: HTTP1Parser
    /// Bytes received and not consumed: `input[inputStart...]`.
    private var input: [UInt8] = []
    private var inputStart = 0
    private var current: Current?
    /// A request whose request line is refused, while the rest of its head comes in.
    private var refused: (refusal: HTTPRefusal, head: HTTP1RefusedHead)?
    private var exchangeCount: UInt64 = 0
    private var deadline: ContinuousClock.Instant?
    /// The response's first bytes were sent ahead to learn whether the client is still there.
    private var sentPrefix = false

    /// Bytes of further requests that are held while one is in progress.
    private static let pipelineLimit = 64 << 10
    /// A body up to this is read and dropped after an early response, so that the connection stays open.
    private static let discardLimit = 64 << 10

    init(connection: Connection) {
        self.connection = connection
        loop = connection.loop
        parser = HTTP1Parser(limits: loop.configuration.http1)
        deadline = loop.now + loop.configuration.headerTimeout
    }

    // MARK: What the connection calls

    var wantsInput: Bool {
        switch phase {
        case .reading: true
        case .responding, .writing: input.count - inputStart < Self.pipelineLimit
        case .done: false
        }
    }

    var nextDeadline: ContinuousClock.Instant? { deadline }

    /// A response goes to the output whole.
    var heldBytes: Int { 0 }

    func take(_ bytes: UnsafeRawBufferPointer) {
        if isBetweenRequests {
            // The head's time runs from its first byte; later ones do not restart it.
            deadline = loop.now + loop.configuration.headerTimeout
        }
        input.append(contentsOf: bytes)
        parse()
    }

    func respond(exchange: UInt64, _ response: Response) {
        guard case .responding = phase, let current, current.exchange.number == exchange else { return }
        send(response, to: current, closing: false)
    }

    func advance() -> Bool {
        let outputIsEmpty = connection.output.isEmpty
        switch phase {
        case .writing(let thenClose) where outputIsEmpty:
            if thenClose {
                phase = .done
                connection.finish()
                return false
            }
            current = nil
            phase = .reading
            let hasInput = inputStart < input.count
            deadline = loop.now + (hasInput ? loop.configuration.headerTimeout : loop.configuration.idleTimeout)
            if loop.isDraining, !hasInput {
                connection.close()
                return false
            }
            parse()
            return true
        case .reading where connection.peerHasFinished && refused != nil:
            refuseHead()
            return true
        case .reading where connection.peerHasFinished && outputIsEmpty:
            // An incomplete request is never processed (RFC 9112 8).
            connection.abort()
            return false
        case .responding where connection.peerHasFinished && !sentPrefix:
            // Sending the response's first bytes shows whether the client is half-closed or gone: a dead socket resets.
            sentPrefix = true
            connection.output.append(HTTP1Serializer.prefix)
            return true
        case .reading, .writing, .responding, .done: return false
        }
    }

    func checkDeadline(_ now: ContinuousClock.Instant) {
        guard let deadline, now >= deadline else { return }
        switch phase {
        case .reading:
            if let current {
                if current.exchange.isTooSlow(now, loop: loop) {
                    refuse(.bodyTimeout)
                } else {
                    self.deadline = now + .seconds(1)
                }
            } else if isBetweenRequests {
                connection.close()
            } else if refused != nil {
                refuseHead()
            } else {
                refuse(.headTimeout)
            }
        case .responding, .writing, .done: break
        }
    }

    func drain() {
        if isBetweenRequests { connection.close() }
    }

    func connectionLost() {
        current?.exchange.cancel(status: 499, loop: loop)
        current = nil
    }

    private var isBetweenRequests: Bool {
        guard case .reading = phase else { return false }
        return current == nil && refused == nil && parser.isIdle && inputStart == input.count
    }

    // MARK: Reading

    /// Consumes what the parser can make of the input.
    private func parse() {
        if refused != nil { return readRefusedHead() }
        if switchToHTTP2IfPreface() { return }
        while case .reading = phase, refused == nil {
            do throws(HTTPRefusal) {
                let (event, consumed) = try nextEvent()
                let start = inputStart
                inputStart += consumed
                switch event {
                case .needsMore:
                    respondEarly()
                    return compactInput()
                case .head(let head): begin(head)
                case .body(let range):
                    try current?.exchange.append(input[start + range.lowerBound..<start + range.upperBound], loop: loop)
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
        input[inputStart...].withUnsafeBytes { bytes in
            do throws(HTTPRefusal) {
                result = .success(try parser.next(bytes))
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

    // MARK: HTTP/2

    /// Switches to HTTP/2 if the connection begins with its preface.
    ///
    /// - Returns: whether it does, or may do so once more bytes have come; they are no HTTP/1.1 then.
    private func switchToHTTP2IfPreface() -> Bool {
        guard case .reading = phase, exchangeCount == 0, inputStart == 0, parser.isIdle else { return false }
        switch HTTP2Preface.match(input) {
        case .differs: return false
        case .needsMore: return true
        case .isHTTP2: return switchToHTTP2(upgrade: nil)
        }
    }

    /// - Returns: false if the settings are not valid; the connection stays with HTTP/1.1 then.
    private func switchToHTTP2(upgrade: (request: HTTPRequestHead, settings: [UInt8])?) -> Bool {
        guard let driver = HTTP2Driver(connection: connection, upgrade: upgrade) else { return false }
        phase = .done
        deadline = nil
        if upgrade != nil { connection.output.append(HTTP1Serializer.switchingToHTTP2) }
        connection.turn(to: driver, with: input[inputStart...])
        return true
    }

    /// Switches to HTTP/2 if the request offers that; the request then becomes the first stream.
    ///
    /// RFC 7540 3.2: the whole request must have come first, and the server may ignore the offer; so a request with a
    /// body stays with HTTP/1.1.
    ///
    /// - Returns: whether it has switched.
    private func switchToHTTP2IfOffered(_ head: HTTP1Head) -> Bool {
        guard let settings = head.http2Settings, !head.request.hasBody, !head.expectsContinue, head.keepsAlive,
            !connection.isOverLimit, !loop.isDraining
        else { return false }
        return switchToHTTP2(upgrade: (head.request, settings))
    }

    // MARK: One request

    private func begin(_ received: HTTP1Head) {
        if switchToHTTP2IfOffered(received) { return }
        exchangeCount += 1
        var request = received.request
        request.isOverLimit = connection.isOverLimit
        let now = loop.now
        let admission = loop.handler.admit(request)
        let exchange = ActiveExchange(
            number: exchangeCount,
            head: request,
            startedAt: now,
            admission: admission,
            client: connection.client,
            discardLimit: Self.discardLimit
        )
        let current = Current(exchange: exchange, keepsAlive: received.keepsAlive)
        self.current = current
        switch admission {
        case .respond(let response, _):
            current.exchange.needsNoBody = true
            if request.contentLength ?? 0 > Self.discardLimit || received.expectsContinue && request.hasBody {
                send(response, to: current, closing: true)
            } else {
                self.current?.earlyResponse = response
            }
        case .readBody:
            do throws(HTTPRefusal) {
                try current.exchange.expectBody()
            } catch {
                return refuse(error)
            }
            deadline = now + loop.configuration.bodyTimeout
            if received.expectsContinue, request.hasBody, inputStart == input.count {
                connection.output.append(HTTP1Serializer.continueLine)
            }
        }
    }

    /// Sends a response that needs no body while the rest of the body is still to come.
    ///
    /// A chunked rest may have any length, so it is not waited for.
    private func respondEarly() {
        guard let current, let response = current.earlyResponse else { return }
        let isChunked = current.exchange.head.isChunked
        send(response, to: current, closing: isChunked)
        guard !isChunked else { return }
        phase = .reading
        deadline = current.exchange.startedAt + loop.configuration.bodyTimeout
    }

    /// The request is complete.
    private func end() {
        guard let current else { return }
        if current.exchange.hasResponse {
            phase = .writing(thenClose: current.closes)
            return
        }
        if let response = current.earlyResponse { return send(response, to: current, closing: false) }
        phase = .responding
        deadline = nil
        self.current?.exchange.start(connection: connection.id, loop: loop)
    }

    /// Responds with the protocol's own error and closes: after a framing error nothing further can be trusted.
    private func refuse(_ refusal: HTTPRefusal) {
        guard case .reading = phase else { return }
        if let current {
            if current.exchange.hasResponse {
                // The rest of its body did not come: a second response would be taken for the next request's.
                startWriting(thenClose: true)
            } else if case .bodyTooLarge = refusal, let early = current.earlyResponse {
                send(early, to: current, closing: true)
            } else {
                let exchange = current.exchange
                let response = loop.handler.refusal(refusal, of: exchange.head, note: exchange.note).response
                send(response, to: current, closing: true)
            }
        } else if refusal.isOfRequestLine {
            refused = (refusal, HTTP1RefusedHead(limits: loop.configuration.http1))
            return readRefusedHead()
        } else {
            refuseHead(refusal, parser.partialHead)
        }
        dropInput()
    }

    /// Reads on to the end of a head whose request line is refused: the response depends on its headers.
    private func readRefusedHead() {
        let isComplete = refused?.head.read(input[inputStart...]) ?? true
        dropInput()
        if isComplete { refuseHead() }
    }

    private func dropInput() {
        input.removeAll()
        inputStart = 0
    }

    private func refuseHead() {
        guard let (refusal, request) = refused else { return }
        refused = nil
        refuseHead(refusal, request.head)
    }

    /// Responds to what did not become a request.
    private func refuseHead(_ refusal: HTTPRefusal, _ request: HTTPRequestHead?) {
        let (response, note) = loop.handler.refusal(refusal, of: request, note: nil)
        let head = HTTP1Serializer.head(response, date: loop.date.now(), connection: "close")
        let body = parser.isHeadRequest ? [] : response.body
        connection.output.append(head)
        connection.output.append(body)
        loop.handler.completed(
            Exchange(
                head: request,
                note: note,
                client: connection.client,
                status: response.status,
                bytesIn: 0,
                bytesOut: head.count + body.count,
                duration: .zero
            )
        )
        startWriting(thenClose: true)
    }

    private func send(_ response: Response, to current: Current, closing: Bool) {
        let request = current.exchange.head
        // A client that has finished may have sent further requests before.
        let mayFollow = !connection.peerHasFinished || inputStart < input.count
        let keepsAlive =
            current.keepsAlive && !closing && !response.closeConnection && !loop.isDraining && mayFollow
            && !connection.isOverLimit
        let connectionHeader: String? = keepsAlive ? (request.version == .http10 ? "keep-alive" : nil) : "close"
        var head = HTTP1Serializer.head(response, date: loop.date.now(), connection: connectionHeader)
        if sentPrefix { head.removeFirst(HTTP1Serializer.prefix.count) }
        sentPrefix = false
        connection.output.append(head)
        if request.method != .head { connection.output.append(response.body) }
        self.current?.exchange.finish(
            status: response.status,
            bytesOut: head.count + response.body.count,
            loop: loop
        )
        self.current?.closes = !keepsAlive
        self.current?.earlyResponse = nil
        startWriting(thenClose: !keepsAlive)
    }

    private func startWriting(thenClose: Bool) {
        phase = .writing(thenClose: thenClose)
        // The connection times what it sends.
        deadline = nil
    }
}
